from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

import labelplan
from labelplan.detect import rekognition_client
from labelplan.detect.rekognition import FAILURES, THROTTLES, backoff
from labelplan.errors import AnswersPending
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import Answered, Unreadable
from tests.detect.asking import DEER, SLOW_DOWN, THROTTLED, Clock, opened
from tests.detect.wire import Reply, answer, error

if TYPE_CHECKING:
    from tests.detect.wire import Wire


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
        '{"Labels":5}',
        '{"Labe\\u006cs":5}',
        '{"Labels":[{"Name":"Deer"}]}',
        '{"Labels":[{"Name":"Deer","Confidence":101}]}',
        '{"Labels":[{"Name":"Deer","Confidence":NaN}]}',
        '{"Labels":[],"Labels":[]}',
        '{"Labels":[],"Other":NaN}',
        '{"Labels":[{"Name":"\udcff","Confidence":1}]}',
        '{"Labels":[],"Other":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=range(9),
)
def test_an_answer_that_cannot_be_used_is_unreadable_and_not_an_answer_without_labels(wire: Wire, text: str) -> None:
    wire.play(Reply(body=text.encode(errors="surrogateescape")))
    with opened() as detector:
        got = detector.detect(DEER)
    assert isinstance(got, Unreadable)
    assert got.code == "malformed-answer"


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"__type":"ThrottlingException"}'], ids=range(4))
def test_what_is_no_answer_of_the_services_is_asked_again_and_left_pending(wire: Wire, text: str) -> None:
    wire.play(Reply(body=text.encode()))
    with opened() as detector, pytest.raises(AnswersPending, match="no answer of Rekognition's"):
        detector.detect(DEER)
    assert len(wire.requests) == FAILURES
    wire.play(Reply(body=text.encode()), answer('{"Labels":[],"LabelModelVersion":"3.0"}'))
    with opened() as detector:
        assert isinstance(detector.detect(DEER), Answered)


def test_words_that_no_plan_could_hold_are_made_ones_that_it_can(wire: Wire) -> None:
    wire.play(Reply(400, b'{"__type":"InvalidImageFormatException","message":"bad \\ud83d"}'))
    with opened() as detector:
        got = detector.detect(DEER)
    assert isinstance(got, Unreadable)
    assert "bad ?" in got.message
    got.message.encode()


def test_a_code_in_the_headers_alone_is_read(wire: Wire) -> None:
    wire.play(Reply(400, b"", headers=(("x-amzn-errortype", "ThrottlingException"),)), Reply())
    with opened() as detector:
        assert isinstance(detector.detect(DEER), Answered)
        assert detector.traffic().throttled == 1


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (S3Object("empty.jpg", "v1", "d41d", 0), "empty"),
        (LocalImage("./empty.jpg", b"", "00"), "empty"),
        (LocalImage("./huge.jpg", bytes(5 * 1024 * 1024 + 1), "00"), "too-large-to-send"),
    ],
)
def test_what_cannot_be_sent_is_not_paid_for(wire: Wire, image: S3Object | LocalImage, code: str) -> None:
    with opened() as detector:
        got = detector.detect(image)
        assert detector.traffic().calls == 0
    assert isinstance(got, Unreadable)
    assert got.code == code
    assert wire.requests == []


def test_whether_an_object_is_too_large_is_the_services_to_say(wire: Wire) -> None:
    with opened() as detector:
        assert isinstance(detector.detect(S3Object("huge.jpg", "v1", "9b2c", 15 * 1024 * 1024 + 1)), Answered)
    assert len(wire.requests) == 1


def test_of_a_requester_pays_bucket_the_bytes_are_fetched_and_sent(wire: Wire) -> None:
    asked: list[tuple[S3Object, int]] = []

    def fetch(image: S3Object, limit: int) -> bytes:
        asked.append((image, limit))
        return b"deer"

    with opened(fetch=fetch, requester_pays=True) as detector:
        assert isinstance(detector.detect(DEER), Answered)
    assert asked == [(DEER, 5 * 1024 * 1024)]
    assert wire.requests[0].body["Image"] == {"Bytes": base64.b64encode(b"deer").decode()}


@pytest.mark.parametrize(
    ("size", "code", "words"),
    [(1000, "changed", "vanished"), (5 * 1024 * 1024 + 1, "too-large-to-send", "requester-pays")],
)
def test_of_a_requester_pays_bucket_what_is_gone_or_too_large_to_be_sent_is_not_paid_for(
    wire: Wire, size: int, code: str, words: str
) -> None:
    with opened(requester_pays=True) as detector:
        got = detector.detect(S3Object("deer.jpg", "v1", "9b2c", size))
    assert isinstance(got, Unreadable)
    assert got.code == code
    assert words in got.message
    assert wire.requests == []


def test_a_refusal_is_explained_by_the_objects_first_bytes_after_one_call(wire: Wire) -> None:
    wire.play(error("InvalidImageFormatException", "Request has invalid image format"))
    read: list[tuple[S3Object, int]] = []

    def first_bytes(image: S3Object, count: int) -> bytes:
        read.append((image, count))
        return b"RIFF\0\0\0\0WEBPVP8 "

    with opened(first_bytes=first_bytes) as detector:
        assert detector.detect(DEER) == Unreadable(
            "invalid-image", "Request has invalid image format; its first bytes are a WebP's"
        )
    assert read == [(DEER, 128 * 1024)]
    assert len(wire.requests) == 1


def test_nothing_is_read_of_an_object_that_was_answered(wire: Wire) -> None:
    def first_bytes(_image: S3Object, _count: int) -> bytes:
        pytest.fail("it was read")

    with opened(first_bytes=first_bytes) as detector:
        assert isinstance(detector.detect(DEER), Answered)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("trouble", "calls"),
    [
        (THROTTLED, 1),
        (SLOW_DOWN, 1),
        (error("ProvisionedThroughputExceededException", "S3 download limit exceeded."), 1),
        (error("TooManyRequestsException"), 1),
        (error("LimitExceededException"), 1),
        (Reply(429, b"<html>Too Many Requests</html>"), 1),
        (error("ThrottlingException", "Service Unavailable", 500), 2),
        (error("InternalServerError", "Internal server error", 500), 2),
        (error("RequestTimeout", "", 400), 2),
        (Reply(503, b"<html>Service Unavailable</html>"), 2),
        (Reply(500, b"[]"), 2),
        (Reply(lost=True), 2),
        (Reply(promised=10), 2),
    ],
    ids=range(13),
)
def test_trouble_that_passes_is_asked_again_and_only_a_throttle_costs_nothing(
    wire: Wire, trouble: Reply, calls: int
) -> None:
    wire.play(trouble, answer('{"Labels":[{"Name":"Deer","Confidence":99.0}]}'))
    with opened() as detector:
        assert isinstance(detector.detect(DEER), Answered)
        traffic = detector.traffic()
    assert (traffic.calls, traffic.throttled) == (calls, 2 - calls)
    assert len(wire.requests) == 2


def test_an_attempt_without_a_reply_is_given_up_and_counts(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekognition_client, "READ_TIMEOUT", 0.1)
    wire.play(Reply(silence=True), Reply())
    with opened() as detector:
        assert isinstance(detector.detect(DEER), Answered)
        assert detector.traffic().calls == 2


@pytest.mark.parametrize("trouble", [error("InternalServerError", "Oh", 500), Reply(lost=True), Reply(promised=10)])
def test_a_service_that_fails_is_asked_a_few_times_and_the_image_is_left_pending(wire: Wire, trouble: Reply) -> None:
    wire.play(trouble)
    with opened() as detector, pytest.raises(AnswersPending, match="Rekognition") as caught:
        detector.detect(DEER)
    assert len(wire.requests) == detector.traffic().calls == FAILURES
    assert "Run the same command again" in caught.value.advice


def test_a_service_that_throttles_is_asked_for_long_and_the_image_is_left_pending_at_no_cost(wire: Wire) -> None:
    wire.play(THROTTLED)
    clock = Clock()
    with opened(clock=clock) as detector, pytest.raises(AnswersPending, match=r"Rate exceeded.*30 throttled"):
        detector.detect(DEER)
    traffic = detector.traffic()
    assert (traffic.calls, traffic.throttled) == (0, THROTTLES)
    assert len(wire.requests) == THROTTLES
    assert 60 < clock.now < 600


def test_throttles_and_failures_are_borne_side_by_side(wire: Wire) -> None:
    bad = [THROTTLED] * 20 + [Reply(lost=True)] * (FAILURES - 1)
    wire.play(*bad, Reply())
    with opened() as detector:
        assert isinstance(detector.detect(DEER), Answered)
        assert detector.traffic().calls == FAILURES


def test_between_two_attempts_it_waits_longer_each_time_and_never_exactly_so_long() -> None:
    waits = [[backoff(attempt, first=0.5, most=8) for _ in range(50)] for attempt in range(1, 8)]
    for attempt, some in enumerate(waits):
        longest = min(8, 0.5 * 2**attempt)
        assert all(longest / 2 <= wait <= longest for wait in some)
        assert len(set(some)) > 40


def test_a_throttle_slows_down_the_calls_that_follow(wire: Wire) -> None:
    wire.play(SLOW_DOWN, Reply())
    with opened(tps=100) as detector:
        before = detector.traffic().rate
        detector.detect(DEER)
        after = detector.traffic().rate
    assert before == 4
    assert after is not None
    assert after < 2.5


def test_botocore_sends_nothing_twice_by_itself_whatever_the_aws_configuration_says(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    for trouble in (THROTTLED, error("InternalServerError", "Oh", 500), Reply(lost=True), Reply(503, b"")):
        wire.play(trouble)
        wire.requests.clear()
        with opened() as detector:
            detector._send({"Bytes": b"deer"})
        assert len(wire.requests) == 1
