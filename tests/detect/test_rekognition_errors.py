from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from labelplan.detect.refusal import Refused
from labelplan.detect.rekognition_errors import Failed, Throttled, plain_error, read_client_error
from labelplan.errors import AwsRefused


def said(code: str, words: str = "Oh.", status: int = 400) -> ClientError:
    reply = {"Error": {"Code": code, "Message": words}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, "DetectLabels")  # type: ignore[arg-type]  # an error reply has no more than this


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidImageFormatException", "invalid-image"),
        ("ImageTooLargeException", "image-too-large"),
        ("InvalidParameterException", "invalid-parameter"),
        ("InvalidS3ObjectException", "no-access"),
    ],
)
def test_a_refusal_gets_labelplans_own_reason_and_keeps_the_services_words(code: str, reason: str) -> None:
    assert read_client_error(said(code)) == Refused(reason, "Oh.")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Value at 'image.s3Object.name' failed to satisfy constraint", "no-access"),
        ("Value at 'image.bytes' failed to satisfy constraint", "invalid-parameter"),
    ],
)
def test_a_constraint_that_one_image_breaks_does_not_stop_the_others(words: str, reason: str) -> None:
    assert read_client_error(said("ValidationException", words)) == Refused(reason, words)


def test_a_constraint_that_the_request_breaks_stops_the_run() -> None:
    with pytest.raises(AwsRefused, match="maxLabels"):
        read_client_error(said("ValidationException", "Value at 'maxLabels' failed to satisfy constraint"))


@pytest.mark.parametrize(
    ("error", "sudden"),
    [
        (said("ProvisionedThroughputExceededException", "Provisioned Rate exceeded."), False),
        (said("ThrottlingException", "Slow down; sudden increase in rate of requests."), True),
        (said("SomethingNewException", "Busy", 429), False),
    ],
)
def test_a_throttle_of_the_ramp_is_told_from_one_of_the_rate(error: ClientError, sudden: bool) -> None:  # noqa: FBT001 - pytest's way
    got = read_client_error(error)
    assert isinstance(got, Throttled)
    assert got.sudden is sudden


@pytest.mark.parametrize(
    "error", [said("ThrottlingException", status=500), said("Any", status=503), said("Any", status=408)]
)
def test_a_servers_own_trouble_is_no_throttle_whatever_it_is_called(error: ClientError) -> None:
    assert isinstance(read_client_error(error), Failed)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"__type":"A","Message":"B","Logref":"C"}', {"__type": "A", "message": "B"}),
        (b'{"Code":"A","message":"B"}', {"__type": "A", "message": "B"}),
        (b'{"__type":["A"],"Message":{"B":1}}', {}),
        (b"[]", {}),
        (b"<html>", {}),
        (b"[" * 100_000, {}),
        (b"\xff", {}),
    ],
    ids=range(7),
)
def test_of_an_error_reply_only_the_code_and_the_words_are_left(body: bytes, left: dict[str, str]) -> None:
    assert json.loads(plain_error(body)) == left


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda some: st.lists(some) | st.dictionaries(st.sampled_from(["__type", "Code", "Message"]), some),
    )
)
def test_no_json_that_a_server_makes_up_breaks_the_reading_of_its_errors(body: object) -> None:
    assert set(json.loads(plain_error(json.dumps(body).encode()))) <= {"__type", "message"}
