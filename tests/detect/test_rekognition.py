from __future__ import annotations

import base64
import contextlib
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import labelplan
from labelplan.detect import rekognition_client
from labelplan.detect.interface import Traffic
from labelplan.detect.pace import Pace
from labelplan.detect.rekognition import FAILURES, THROTTLES, Limits, Objects, RekognitionDetector, backoff
from labelplan.detect.rekognition_client import make_client
from labelplan.errors import AnswersPending, AwsRefused, BudgetExceeded
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import Answered, Unreadable
from labelplan.model.spec import DetectorSettings
from tests.detect.wire import Reply, Request, answer, error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.detect.wire import Wire

DEER = S3Object("images/hörner & co/1.jpg", "v1", "9b2c", 1000)
THROTTLED = error("ProvisionedThroughputExceededException", "Provisioned Rate exceeded.")
SLOW_DOWN = error("ThrottlingException", "Slow down; sudden increase in rate of requests.")


class Clock:
    """A clock that only waiting moves, so that a test waits for nothing."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []
        self.lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds
            self.waited.append(seconds)


def nothing(_image: S3Object, _count: int) -> bytes | None:
    return None


@contextlib.contextmanager
def opened(
    max_calls: int | None = None,
    *,
    region: str = "us-east-1",
    tps: float = 50,
    clock: Clock | None = None,
    **objects: Any,
) -> Iterator[RekognitionDetector]:
    clock = clock or Clock()
    reads = Objects(**{"bucket": "wildlife", "fetch": nothing, "first_bytes": nothing, **objects})
    limits, pace = Limits(tps, "--tps", max_calls), Pace(tps, clock=clock, wait=clock.wait)
    detector = RekognitionDetector(make_client(region), DetectorSettings("rekognition", 50, 42.5), reads, limits, pace)
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


@pytest.mark.parametrize(
    ("code", "todo"),
    [
        ("AccessDeniedException", "rekognition:DetectLabels"),
        ("UnrecognizedClientException", "aws sts get-caller-identity"),
        ("InvalidSignatureException", "wrong clock"),
        ("ExpiredTokenException", "aws sso login"),
        ("ValidationException", ""),
        ("", ""),
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
    with opened() as detector, pytest.raises(AnswersPending, match="TypeError") as caught:
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
    with opened(region=region) as detector, pytest.raises((AnswersPending, AwsRefused)) as caught:
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


@pytest.mark.parametrize(("region", "kind"), [("mars-north-1", AwsRefused), ("eu-west-1", AnswersPending)])
def test_an_endpoint_out_of_reach_means_a_wrong_region_only_where_there_is_no_rekognition(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, region: str, kind: type[Exception]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:1")
    with opened(region=region) as detector, pytest.raises(kind):
        detector.detect(DEER)
    assert wire.requests == []


@pytest.mark.parametrize("trouble", [error("InternalServerError", "Oh", 500), Reply(lost=True)])
def test_sixty_four_threads_send_exactly_the_budget_and_not_one_attempt_more(wire: Wire, trouble: Reply) -> None:
    wire.script = lambda _request: trouble if len(wire.requests) % 5 == 0 else Reply()
    together = threading.Barrier(64)

    def one(number: int) -> bool:
        if number < 64:
            together.wait(30)
        try:
            return isinstance(detector.detect(S3Object(f"{number}.jpg", "v1", "e", 1)), Answered)
        except BudgetExceeded:
            return False

    with opened(max_calls=100, tps=5000) as detector, ThreadPoolExecutor(64) as pool:
        answered = sum(pool.map(one, range(200)))
        assert detector.traffic().calls == 100
    assert len(wire.requests) == 100
    assert 50 < answered < 100  # the failed attempts counted


def test_sixty_four_threads_use_what_throttles_gave_back_and_bill_exactly_the_budget(wire: Wire) -> None:
    billed = []

    def script(request: Request) -> Reply:
        if len(wire.requests) % 4 == 0:
            return THROTTLED
        billed.append(request)
        return Reply()

    wire.script = script
    with opened(max_calls=150, tps=5000) as detector, ThreadPoolExecutor(64) as pool:
        list(pool.map(lambda number: detector.detect(S3Object(f"{number}.jpg", "v1", "e", 1)), range(150)))
        with pytest.raises(BudgetExceeded):
            detector.detect(DEER)
    assert len(billed) == 150
    assert len(wire.requests) > 150


def test_a_spent_budget_does_not_lose_the_answer_that_is_under_way(wire: Wire) -> None:
    come, go = threading.Event(), threading.Event()

    def script(_request: Request) -> Reply:
        come.set()
        go.wait(30)
        return Reply()

    wire.script = script
    with opened(max_calls=1) as detector, ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(detector.detect, DEER)
        come.wait(30)
        with pytest.raises(BudgetExceeded):
            detector.detect(DEER)
        detector.stop()
        go.set()
        assert isinstance(under_way.result(30), Answered)


def test_once_stopped_it_sends_nothing_more(wire: Wire) -> None:
    with opened() as detector:
        detector.stop()
        with pytest.raises(AnswersPending):
            detector.detect(DEER)
        assert detector.traffic().calls == 0
    assert wire.requests == []


def test_a_stop_ends_the_wait_for_another_attempt(wire: Wire) -> None:
    def script(_request: Request) -> Reply:
        detector.stop()
        return THROTTLED

    wire.script = script
    with opened() as detector, pytest.raises(AnswersPending):
        detector.detect(DEER)
    assert len(wire.requests) == 1


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


@pytest.mark.parametrize(("tps", "at_once"), [(0.5, 8), (5, 10), (50, 100), (127.6, 256), (200, 256)])
@pytest.mark.usefixtures("wire")
def test_as_many_are_asked_at_once_as_two_seconds_of_the_quota(tps: float, at_once: int) -> None:
    with opened(tps=tps) as detector:
        assert detector.paid
        assert (detector.tps, detector.tps_from) == (tps, "--tps")
        assert detector.concurrency == at_once
        assert detector._client.meta.config.max_pool_connections >= at_once
        assert detector.traffic() == Traffic(0, 0, detector._pace.rate)


@pytest.mark.parametrize(
    "reply",
    [
        error("InvalidImageFormatException", "Request has invalid image format"),
        error("InvalidParameterException", "Request has invalid parameters"),
        error("ValidationException", "1 validation error detected: Value at 'image.bytes' failed"),
        Reply(),
    ],
)
def test_who_is_told_that_one_byte_is_no_image_may_ask_for_labels(wire: Wire, reply: Reply) -> None:
    wire.play(THROTTLED, reply)
    with opened(max_calls=0) as detector:
        detector.check()
        assert detector.traffic().calls == 0
    assert [request.body["Image"] for request in wire.requests] == [{"Bytes": "AA=="}] * 2


def test_who_may_not_ask_is_told_so_by_the_check(wire: Wire) -> None:
    wire.play(error("AccessDeniedException", "User is not authorized to perform: rekognition:DetectLabels"))
    with opened() as detector, pytest.raises(AwsRefused, match="not authorized") as caught:
        detector.check()
    assert "rekognition:DetectLabels" in caught.value.advice


def test_a_service_that_takes_one_byte_for_an_object_is_none(wire: Wire) -> None:
    wire.play(error("InvalidS3ObjectException", "Unable to get object metadata from S3."))
    with opened() as detector, pytest.raises(AwsRefused, match="object metadata"):
        detector.check()
