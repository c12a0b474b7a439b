from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import labelplan
from labelplan.detect import rekognition
from labelplan.detect.rekognition import ATTEMPTS, RekognitionDetector
from labelplan.errors import AwsRefused, BudgetExceeded, DetectorFailed
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import Answered, Unreadable
from labelplan.model.spec import DetectorSettings
from tests.detect.wire import Reply, Request, answer, error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.detect.wire import Wire

DEER = S3Object("images/hörner & co/1.jpg", "v1", "9b2c", 1000)
THROTTLED = error("ProvisionedThroughputExceededException", "Provisioned Rate exceeded.")


@contextlib.contextmanager
def opened(
    max_calls: int | None = None, concurrency: int = 16, region: str = "us-east-1"
) -> Iterator[RekognitionDetector]:
    settings = DetectorSettings("rekognition", 50, 42.5)
    detector = RekognitionDetector(settings, "wildlife", region, max_calls, concurrency)
    try:
        yield detector
    finally:
        detector.close()


def test_an_object_is_named_by_bucket_key_and_version_and_never_sent(wire: Wire) -> None:
    with opened() as detector:
        detector.detect(DEER)
    (request,) = wire.requests
    assert request.target == "RekognitionService.DetectLabels"
    assert request.body == {
        "Image": {"S3Object": {"Bucket": "wildlife", "Name": "images/hörner & co/1.jpg", "Version": "v1"}},
        "MaxLabels": 50,
        "MinConfidence": 42.5,
    }


def test_an_object_without_versions_is_named_without_one(wire: Wire) -> None:
    with opened() as detector:
        detector.detect(S3Object("deer.jpg", "null", "9b2c", 1000))
    assert wire.requests[0].body["Image"] == {"S3Object": {"Bucket": "wildlife", "Name": "deer.jpg"}}


def test_a_local_file_is_sent_with_the_request(wire: Wire) -> None:
    with opened() as detector:
        detector.detect(LocalImage("./deer.jpg", b"\xff\xd8\xff deer", "00"))
    assert base64.b64decode(wire.requests[0].body["Image"]["Bytes"]) == b"\xff\xd8\xff deer"


def test_the_service_is_told_which_program_asks(wire: Wire) -> None:
    with opened() as detector:
        detector.detect(DEER)
    assert f"labelplan/{labelplan.__version__}" in wire.requests[0].user_agent


def test_an_answer_is_kept_as_the_very_bytes_that_came(wire: Wire) -> None:
    odd = (
        '{"LabelModelVersion":"3.0" ,"Labels":[{"Confidence":9.9500000000000010e1,"Name":"De\\u0065r","New":[1e400]}]}'
    )
    wire.play(answer(odd))
    with opened() as detector:
        got = detector.detect(DEER)
    assert isinstance(got, Answered)
    assert got.raw == odd.encode()
    assert [(label.Name, label.Confidence) for label in got.response.Labels] == [("Deer", 99.50000000000001)]


def test_certainty_arrives_as_an_integer_and_stays_one(wire: Wire) -> None:
    wire.play(answer('{"Labels":[{"Name":"Deer","Confidence":100}],"LabelModelVersion":"3.0"}'))
    with opened() as detector:
        got = detector.detect(DEER)
    assert isinstance(got, Answered)
    assert b'"Confidence":100}' in got.raw
    assert got.response.Labels[0].Confidence == 100


def test_an_answer_of_several_lines_becomes_one(wire: Wire) -> None:
    wire.play(answer('{\n "Labels": [],\n "LabelModelVersion": "3.0"\n}\n'))
    with opened() as detector:
        assert detector.detect(DEER) == detector.detect(S3Object("b", "v1", "e", 1))
        got = detector.detect(DEER)
    assert isinstance(got, Answered)
    assert got.raw == b'{"Labels":[],"LabelModelVersion":"3.0"}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        '{"Labels":5}',
        '{"Labels":[{"Name":"Deer"}]}',
        '{"Labels":[{"Name":"Deer","Confidence":101}]}',
        '{"Labels":[{"Name":"Deer","Confidence":NaN}]}',
        '{"Labels":[],"Labels":[]}',
        '{"Labels":[],"Other":NaN}',
        '{"Labels":[{"Name":"\udcff","Confidence":1}]}',
        '{"Labels":[],"Other":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=range(10),
)
def test_what_is_no_answer_is_unreadable_and_not_an_answer_without_labels(wire: Wire, text: str) -> None:
    wire.play(Reply(body=text.encode(errors="surrogateescape")))
    with opened() as detector:
        got = detector.detect(DEER)
    assert isinstance(got, Unreadable)
    assert got.code == "malformed-answer"


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (S3Object("empty.jpg", "v1", "d41d", 0), "invalid-image"),
        (S3Object("huge.jpg", "v1", "9b2c", 15 * 1024 * 1024 + 1), "image-too-large"),
        (LocalImage("./huge.jpg", bytes(5 * 1024 * 1024 + 1), "00"), "image-too-large"),
    ],
)
def test_what_can_only_be_refused_is_not_paid_for(wire: Wire, image: S3Object | LocalImage, code: str) -> None:
    with opened() as detector:
        got = detector.detect(image)
        assert detector.calls == 0
    assert isinstance(got, Unreadable)
    assert got.code == code
    assert wire.requests == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidImageFormatException", "Request has invalid image format"),
        ("ImageTooLargeException", "Image size is too large"),
        ("InvalidParameterException", "Request has invalid parameters"),
        ("InvalidS3ObjectException", "Unable to get object metadata from S3. Check object key, region and/or access."),
    ],
)
def test_what_the_service_says_of_an_image_is_kept_in_its_own_words_after_one_call(
    wire: Wire, code: str, words: str
) -> None:
    wire.play(error(code, words))
    with opened() as detector:
        assert detector.detect(DEER) == Unreadable(code, words)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        THROTTLED,
        error("ThrottlingException", "Slow down; sudden increase in rate of requests."),
        error("ThrottlingException", "Service Unavailable", 500),
        error("InternalServerError", "Internal server error", 500),
        Reply(503, b"<html>Service Unavailable</html>"),
        Reply(lost=True),
    ],
    ids=["rate", "ramp", "unavailable", "internal", "proxy", "lost"],
)
def test_trouble_that_passes_is_asked_again(wire: Wire, trouble: Reply) -> None:
    wire.play(trouble, answer('{"Labels":[{"Name":"Deer","Confidence":99.0}]}'))
    with opened() as detector:
        assert isinstance(detector.detect(DEER), Answered)
        assert detector.calls == 2
    assert len(wire.requests) == 2


def test_an_attempt_without_a_reply_is_given_up_and_counts(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekognition, "READ_TIMEOUT", 0.1)
    monkeypatch.setattr(rekognition, "ATTEMPTS", 2)
    wire.play(Reply(silence=True))
    with opened() as detector, pytest.raises(DetectorFailed, match="Read timeout"):
        detector.detect(DEER)
    assert detector.calls == 2


@pytest.mark.parametrize("trouble", [THROTTLED, error("InternalServerError", "Oh", 500), Reply(lost=True)])
def test_trouble_that_stays_is_a_failure_and_says_nothing_about_the_image(wire: Wire, trouble: Reply) -> None:
    wire.play(trouble)
    with opened() as detector, pytest.raises(DetectorFailed, match="Rekognition"):
        detector.detect(DEER)
    assert len(wire.requests) == ATTEMPTS


@pytest.mark.parametrize(
    ("code", "todo"),
    [
        ("AccessDeniedException", "rekognition:DetectLabels"),
        ("UnrecognizedClientException", "aws sts get-caller-identity"),
        ("InvalidSignatureException", "wrong clock"),
        ("ExpiredTokenException", "aws sso login"),
        ("ValidationException", ""),
        ("SomethingNewException", ""),
    ],
)
def test_what_would_stop_every_image_stops_the_run_at_once_and_says_what_to_do(
    wire: Wire, code: str, todo: str
) -> None:
    wire.play(error(code, "No."))
    with opened() as detector, pytest.raises(AwsRefused, match=f"{code}: No.") as caught:
        detector.detect(DEER)
    assert todo in caught.value.advice
    assert len(wire.requests) == 1


def test_a_wrong_signature_does_not_show_the_session_token(wire: Wire) -> None:
    wire.play(
        error("InvalidSignatureException", "It does not match.\n\nThe Canonical String:\nx-amz-security-token:SECRET")
    )
    with opened() as detector, pytest.raises(AwsRefused) as caught:
        detector.detect(DEER)
    assert caught.value.what == "Rekognition said InvalidSignatureException: It does not match."


@pytest.mark.parametrize("name", ["AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"])
def test_a_line_break_in_the_credentials_is_told_and_they_are_not_shown(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "SECRET\nSECRET")
    with opened() as detector, pytest.raises(AwsRefused, match="hold a line break") as caught:
        detector.detect(DEER)
    assert "SECRET" not in caught.value.what + caught.value.advice
    assert wire.requests == []


def test_what_python_says_about_a_request_is_not_shown(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise TypeError("SECRET")

    monkeypatch.setattr("http.client.HTTPConnection.putheader", refuse)
    with opened() as detector, pytest.raises(DetectorFailed, match="TypeError") as caught:
        detector.detect(DEER)
    assert "SECRET" not in caught.value.what
    assert wire.requests == []


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@127.0.0.1:1", "http://user:hunter2@x@127.0.0.1:1", "http://hunter2@127.0.0.1:1/a?b"]
)
@pytest.mark.parametrize("region", ["eu-west-1", "mars-north-1"])
@pytest.mark.usefixtures("wire")
def test_a_password_in_the_endpoint_is_not_shown(url: str, region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", url)
    with opened(region=region) as detector, pytest.raises((DetectorFailed, AwsRefused)) as caught:
        detector.detect(DEER)
    assert '"http://127.0.0.1:1/' in caught.value.what
    assert "hunter2" not in caught.value.what


@pytest.mark.parametrize(
    "url", ["user:hunter2@127.0.0.1:1", "http://user:hunter2/@127.0.0.1:1", "http://hunter2:99999"]
)
def test_an_endpoint_that_is_no_url_is_refused_and_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", url)
    with pytest.raises(AwsRefused, match=r"endpoint .* is no URL") as caught, opened():
        pass
    assert "hunter2" not in caught.value.what
    assert "AWS_ENDPOINT_URL_REKOGNITION" in caught.value.advice


def test_without_credentials_the_run_stops_before_any_call(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with opened() as detector, pytest.raises(AwsRefused, match="credentials") as caught:
        detector.detect(DEER)
    assert "aws sso login" in caught.value.advice
    assert wire.requests == []


def test_a_profile_that_does_not_exist_is_refused(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AwsRefused, match="nobody"), opened():
        pass
    assert wire.requests == []


def test_a_region_that_cannot_be_one_is_refused(wire: Wire) -> None:
    with pytest.raises(AwsRefused, match="us east!") as caught, opened(region="us east!"):
        pass
    assert "region" in caught.value.advice
    assert wire.requests == []


@pytest.mark.parametrize(("region", "kind"), [("mars-north-1", AwsRefused), ("eu-west-1", DetectorFailed)])
def test_an_endpoint_out_of_reach_means_a_wrong_region_only_where_there_is_no_rekognition(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, region: str, kind: type[Exception]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:1")
    with opened(region=region) as detector, pytest.raises(kind):
        detector.detect(DEER)
    assert wire.requests == []


def test_sixteen_threads_send_exactly_the_budget_and_not_one_attempt_more(wire: Wire) -> None:
    wire.script = lambda _request: THROTTLED if len(wire.requests) % 3 == 0 else Reply()
    together = threading.Barrier(16)

    def one(number: int) -> bool:
        if number < 16:
            together.wait()
        try:
            return isinstance(detector.detect(S3Object(f"{number}.jpg", "v1", "e", 1)), Answered)
        except BudgetExceeded:
            return False

    with opened(max_calls=40) as detector, ThreadPoolExecutor(16) as pool:
        answered = sum(pool.map(one, range(80)))
        assert detector.calls == 40
    assert len(wire.requests) == 40
    assert answered < 40  # the throttled attempts counted


def test_attempts_are_counted_one_thread_at_a_time() -> None:
    class Watched(int):
        """A budget that gives other threads a chance while it is looked at, and sees whether they took it."""

        looking = most = 0

        def __le__(self, other: int) -> bool:
            Watched.looking += 1
            Watched.most = max(Watched.most, Watched.looking)
            for _ in range(100):
                os.sched_yield()
            Watched.looking -= 1
            return super().__le__(other)

    with opened(max_calls=Watched(1000)) as detector, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _number: detector._count_attempt(), range(200)))
    assert Watched.most == 1


def test_retries_are_adaptive_whatever_the_aws_configuration_says(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    wire.play(THROTTLED, Reply())
    with opened() as detector:
        assert isinstance(detector.detect(DEER), Answered)
        assert detector._client.meta.config.retries["mode"] == "adaptive"


def test_a_spent_budget_says_so_and_is_not_tried_again(wire: Wire) -> None:
    with opened(max_calls=1) as detector:
        detector.detect(DEER)
        with pytest.raises(BudgetExceeded, match="1 DetectLabels") as caught:
            detector.detect(DEER)
    assert "max_calls" in caught.value.advice
    assert len(wire.requests) == 1


def test_a_budget_of_nothing_sends_nothing(wire: Wire) -> None:
    with opened(max_calls=0) as detector, pytest.raises(BudgetExceeded):
        detector.detect(DEER)
    assert wire.requests == []


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns a thousand times as often."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1000)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
def test_every_thread_gets_the_answer_to_its_own_image(wire: Wire) -> None:
    def named(request: Request) -> Reply:
        name = request.body["Image"]["S3Object"]["Name"]
        return answer(json.dumps({"Labels": [{"Name": name, "Confidence": 50}]}))

    wire.script = named
    with opened() as detector, ThreadPoolExecutor(detector.concurrency) as pool:
        keys = [f"{number}.jpg" for number in range(64)]
        answers = list(pool.map(lambda key: detector.detect(S3Object(key, "v1", "e", 1)), keys))
    assert [got.response.Labels[0].Name for got in answers if isinstance(got, Answered)] == keys


def test_rekognition_is_a_paid_detector_asked_sixteen_at_a_time() -> None:
    with opened() as detector:
        assert detector.paid
        assert detector.concurrency == 16
