"""What the service refuses that boto3 lets through."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.simulators.asking import SOMEWHERE, ask, client, jpeg

if TYPE_CHECKING:
    from tests.simulators.rekognition.running import Simulator

LONG = {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x" * 51]}}}
MANY = {"Settings": {"GeneralLabels": {"LabelExclusionFilters": ["Deer"] * 101}}}
ODD = {"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["<Deer>"]}}}


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"MinConfidence": 101}, "ValidationException", "'minConfidence'.*less.*to 100"),
        ({"MinConfidence": -1}, "ValidationException", "'minConfidence'.*greater.*to 0"),
        ({"MaxLabels": -1}, "ValidationException", "'maxLabels'.*greater.*to 0"),
        ({"MaxLabels": 5000}, "InvalidParameterException", "invalid parameters"),
        ({"Features": ["NOPE"]}, "ValidationException", "'features'.*enum value set"),
        ({"Features": ["GENERAL_LABELS"] * 3}, "ValidationException", "'features'.*less.*to 2"),
        ({"Features": ["IMAGE_PROPERTIES"], "MaxLabels": 5}, "InvalidParameterException", "invalid parameters"),
        (
            {"Settings": {"ImageProperties": {"MaxDominantColors": 21}}},
            "ValidationException",
            "less.*to 20",
        ),
        (LONG, "ValidationException", "labelInclusionFilters.*less.*to 50"),
        (MANY, "ValidationException", "labelExclusionFilters.*less.*to 100"),
        (ODD, "ValidationException", "labelCategoryInclusionFilters.*regular expression"),
        ({"Image": {}}, "InvalidParameterException", "invalid parameters"),
        ({"Image": None}, "ValidationException", "Value null at 'image'"),
        ({"Image": {"S3Object": {"Bucket": "abc"}}}, "InvalidParameterException", "invalid parameters"),
        (
            {"Image": {"S3Object": {"Bucket": "a", "Name": "x"}}},
            "ValidationException",
            "bucket.*greater.*to 3",
        ),
        (
            {"Image": {"S3Object": {"Bucket": "a/b/c", "Name": "x"}}},
            "ValidationException",
            "bucket.*regular expression",
        ),
        ({"Image": {"S3Object": {"Bucket": "abc", "Name": "x" * 1025}}}, "ValidationException", "name.*1024"),
        (
            {"Image": {"S3Object": {"Bucket": "abc", "Name": "x", "Version": ""}}},
            "ValidationException",
            "version.*to 1",
        ),
        ({"Image": {"Bytes": ""}}, "ValidationException", "'image.bytes'.*greater.*to 1"),
        ({"Image": {"Bytes": "////", **SOMEWHERE}}, "InvalidParameterException", "invalid parameters"),
        ({"MaxLabels": "ten"}, "SerializationException", "could not be read"),
        ({"Image": {"Bytes": "?"}}, "SerializationException", "could not be read"),
    ],
)
def test_a_parameter_out_of_its_limits_is_refused(
    anywhere: Simulator, parameters: dict[str, Any], code: str, words: str
) -> None:
    reply = ask(anywhere, {"Image": SOMEWHERE} | parameters)
    assert (reply.status, reply.body["__type"]) == (400, code)
    assert re.search(words, reply.body.get("message") or reply.body["Message"])


def test_all_that_is_wrong_is_said_at_once(anywhere: Simulator) -> None:
    reply = ask(anywhere, {"Image": SOMEWHERE, "MaxLabels": -1, "MinConfidence": 101})
    assert reply.body["message"].startswith("2 validation errors detected: ")


def test_bytes_over_five_megabytes_are_refused_in_the_words_of_the_service(anywhere: Simulator) -> None:
    image = base64.b64encode(b"\0" * 5_242_881).decode()
    reply = ask(anywhere, {"Image": {"Bytes": image}})
    assert reply.body == {
        "__type": "ValidationException",
        "message": "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=5242881 cap=5242881]' at"
        " 'image.bytes' failed to satisfy constraint: Member must have length less than or equal to 5242880",
    }


def test_what_is_just_within_the_limits_is_answered(anywhere: Simulator) -> None:
    filters = ["A-Za-z0-9àâèçñó'-_(). "] * 99 + ["x" * 50]
    answer = client(anywhere).detect_labels(
        Image=SOMEWHERE,
        MaxLabels=1000,
        MinConfidence=100,
        Settings={"GeneralLabels": {"LabelExclusionFilters": filters}, "ImageProperties": {"MaxDominantColors": 20}},
    )
    assert answer["LabelModelVersion"] == "3.0"


def test_a_member_that_is_not_known_is_ignored(anywhere: Simulator) -> None:
    assert ask(anywhere, {"Image": SOMEWHERE, "Colour": "red"}).status == 200


def test_nothing_that_was_refused_is_billed(rekognition: Simulator) -> None:
    before = rekognition.totals()
    with pytest.raises(ClientError):
        client(rekognition).detect_labels(Image={"Bytes": jpeg()[:-2]})
    after = rekognition.totals()
    assert (after["billed"] - before["billed"], after["refused"] - before["refused"]) == (0, 1)
