"""What the service reads from S3, and which bytes it calls an image."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.asking import client, jpeg, png
from tests.simulators.rekognition.errors import Refusal
from tests.simulators.rekognition.image import check_image, sides
from tests.simulators.rekognition.running import ROOT, running

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.simulators.rekognition.running import Simulator

MEGABYTE = 1024 * 1024


def ask(simulator: Simulator, bucket: str, key: str, **more: Any) -> Any:
    return client(simulator).detect_labels(Image={"S3Object": {"Bucket": bucket, "Name": key, **more}})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (jpeg(), None),
        (png(), None),
        (jpeg(10_000, 80), None),
        (jpeg(note=b"x" * 60_000) + b"trailing bytes", None),
        (b"", "InvalidImageFormatException"),
        (b"GIF89a" + b"\0" * 100, "InvalidImageFormatException"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "InvalidImageFormatException"),
        (b"<html>404</html>", "InvalidImageFormatException"),
        (b"\xff\xd8\xff", "InvalidImageFormatException"),
        (jpeg()[:-2], "InvalidImageFormatException"),
        (jpeg(80, 0), "InvalidImageFormatException"),
        (b"\xff\xd8\xff\xe0\x00\x04abcd" + jpeg()[2:], "InvalidImageFormatException"),
        (png()[:-12], "InvalidImageFormatException"),
        (png().replace(b"IDAT", b"iDAT"), "InvalidImageFormatException"),
        (png()[:-20] + b"\0" + png()[-19:], "InvalidImageFormatException"),
        (jpeg(79, 500), "InvalidParameterException"),
        (png(500, 79), "InvalidParameterException"),
        (jpeg(10_001, 500), "ImageTooLargeException"),
        (png(80, 10_001), "ImageTooLargeException"),
        (jpeg() + b"\0" * (15 * MEGABYTE), "ImageTooLargeException"),
    ],
    ids=range(20),
)
def test_an_object_is_judged_by_its_bytes_whatever_its_name_says(
    rekognition: Simulator, s3: S3Client, bucket: str, content: bytes, code: str | None
) -> None:
    s3.put_object(Bucket=bucket, Key="a.txt", Body=content)
    if code is None:
        assert ask(rekognition, bucket, "a.txt")["LabelModelVersion"]
        return
    with pytest.raises(ClientError) as refused:
        ask(rekognition, bucket, "a.txt")
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    "key", ["a b+c&d%e#f?g.jpg", "füchse/狐 🦊.jpg", "//double//", "a/../a/./b.jpg", "~tilde", "x" * 1024]
)
def test_every_key_that_s3_takes_is_read(rekognition: Simulator, s3: S3Client, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=jpeg())
    assert ask(rekognition, bucket, key)["LabelModelVersion"]
    assert rekognition.ledger()["keys"][f"{bucket}/{key}"]["billed"] == 1


def test_the_version_that_was_asked_for_is_read(rekognition: Simulator, s3: S3Client, bucket: str) -> None:
    old = s3.put_object(Bucket=bucket, Key="1.jpg", Body=jpeg(note=b"old " + bucket.encode()))
    s3.put_object(Bucket=bucket, Key="1.jpg", Body=jpeg(note=b"new " + bucket.encode()))
    ask(rekognition, bucket, "1.jpg", Version=old["VersionId"])
    contents = rekognition.ledger()["contents"]
    assert hashlib.sha256(jpeg(note=b"old " + bucket.encode())).hexdigest() in contents
    assert hashlib.sha256(jpeg(note=b"new " + bucket.encode())).hexdigest() not in contents


@pytest.mark.parametrize("what", ["no key", "no bucket", "no version", "deleted", "other region"])
def test_why_an_object_cannot_be_read_is_not_said(rekognition: Simulator, s3: S3Client, bucket: str, what: str) -> None:
    s3.put_object(Bucket=bucket, Key="1.jpg", Body=jpeg())
    more: dict[str, Any] = {}
    asked, key = bucket, "1.jpg"
    if what == "no key":
        key = "2.jpg"
    elif what == "no bucket":
        asked = "there-is-none"
    elif what == "no version":
        more = {"Version": "00000000-0000-0000-0000-000000000000"}
    elif what == "deleted":
        s3.delete_object(Bucket=bucket, Key="1.jpg")
    else:
        asked = f"{bucket}-eu"
        s3.create_bucket(Bucket=asked, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket=asked, Key="1.jpg", Body=jpeg())
    with pytest.raises(ClientError) as refused:
        ask(rekognition, asked, key, **more)
    assert refused.value.response["Error"] == {
        "Code": "InvalidS3ObjectException",
        "Message": "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    }


def test_a_bucket_of_another_region_is_read_from_there(rekognition: Simulator, s3: S3Client, bucket: str) -> None:
    there = f"{bucket}-eu"
    s3.create_bucket(Bucket=there, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=there, Key="1.jpg", Body=jpeg())
    asked = client(rekognition, region_name="eu-west-1")
    assert asked.detect_labels(Image={"S3Object": {"Bucket": there, "Name": "1.jpg"}})["LabelModelVersion"]


def test_an_s3_that_does_not_answer_is_the_services_failure_not_the_images() -> None:
    with running(s3="http://127.0.0.1:1") as simulator, pytest.raises(ClientError, match="InternalServerError"):
        ask(simulator, "wildlife", "1.jpg")


def test_the_same_content_gets_the_same_answer_under_every_key_and_as_bytes(
    rekognition: Simulator, s3: S3Client, bucket: str
) -> None:
    for key in ("1.jpg", "2.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=jpeg(note=b"one"))
    answers = [ask(rekognition, bucket, key)["Labels"] for key in ("1.jpg", "2.jpg")]
    answers.append(client(rekognition).detect_labels(Image={"Bytes": jpeg(note=b"one")})["Labels"])
    other = client(rekognition).detect_labels(Image={"Bytes": jpeg(note=b"another")})["Labels"]
    assert answers[0] == answers[1] == answers[2] != other


@given(st.integers(1, 65_000), st.integers(1, 65_000), st.sampled_from([jpeg, png]))
def test_the_sides_are_read_from_the_header(width: int, height: int, make: Any) -> None:
    height = min(height, 200) if make is png else height
    assert sides(make(width, height)) == (width, height)


@given(st.binary(max_size=60), st.sampled_from([b"", jpeg(), png(), jpeg()[:20], png()[:40]]), st.integers(0, 90))
def test_no_bytes_break_it(noise: bytes, image: bytes, at: int) -> None:
    try:
        check_image(image[:at] + noise + image[at:])
    except Refusal as refused:
        assert refused.status == 400  # noqa: PT017 - an image may pass as well


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})])
def test_the_images_that_pillow_writes_are_images(kind: str, options: dict[str, bool]) -> None:
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    pillow.effect_noise((123, 321), 90).convert("RGB").save(file, kind, **options)
    assert sides(file.getvalue()) == (123, 321)


def table(folder: Path, *, one_file: bool) -> Path:
    label = {"Name": "Deer", "Confidence": 100, "Parents": [{"Name": "Animal"}]}
    answers = {
        hashlib.sha256(jpeg()).hexdigest(): {
            "LabelModelVersion": "2.0",
            "Labels": [label, label | {"Confidence": 54.5}],
        },
    }
    if one_file:
        (folder / "table.json").write_text(json.dumps(answers))
        return folder / "table.json"
    for sha256, answer in answers.items():
        (folder / f"{sha256}.json").write_text(json.dumps(answer))
    return folder


@pytest.mark.parametrize("one_file", [True, False])
def test_answers_can_come_from_a_table_by_content(tmp_path: Path, *, one_file: bool) -> None:
    with running(s3="http://127.0.0.1:1", answers=table(tmp_path, one_file=one_file)) as simulator:
        asked = client(simulator)
        known = asked.detect_labels(Image={"Bytes": jpeg()})
        unknown = asked.detect_labels(Image={"Bytes": png()})
    assert known["LabelModelVersion"] == "2.0"
    assert [(label["Name"], label["Confidence"]) for label in known["Labels"]] == [("Deer", 100)]
    assert type(known["Labels"][0]["Confidence"]) is int
    assert unknown["LabelModelVersion"] == "3.0"


def test_a_table_can_be_sent_byte_for_byte(tmp_path: Path) -> None:
    with running(s3="http://127.0.0.1:1", answers=table(tmp_path, one_file=False), verbatim=True) as simulator:
        answer = client(simulator).detect_labels(Image={"Bytes": jpeg()}, MaxLabels=1)
    assert [label["Confidence"] for label in answer["Labels"]] == [100, 54.5]


def test_answers_can_come_from_the_local_model() -> None:
    pytest.importorskip("onnxruntime")
    photo = (ROOT / "labelplan/demo/photos/hoofed/moose.jpg").read_bytes()
    with running(s3="http://127.0.0.1:1", answers="local") as simulator:
        asked = client(simulator)
        answer = asked.detect_labels(Image={"Bytes": photo}, MinConfidence=5)
        with pytest.raises(ClientError, match="InvalidImageFormatException"):
            asked.detect_labels(Image={"Bytes": jpeg()})  # its frame is intact, and there is no picture in it
    assert "Animal" in {label["Name"] for label in answer["Labels"]}
    for label in answer["Labels"]:
        assert struct.unpack("f", struct.pack("f", label["Confidence"])) == (label["Confidence"],)
    assert answer["LabelModelVersion"] == "3.0"
