"""The budget, stops and many threads."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from labelplan.detect.interface import Traffic
from labelplan.errors import AnswersPending, AwsRefused, BudgetExceeded
from labelplan.model.objects import S3Object
from labelplan.model.response import Answered
from tests.detect.asking import DEER, THROTTLED, opened
from tests.detect.wire import Reply, Request, answer, error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.detect.wire import Wire


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
