"""A Rekognition detector over the scripted wire, with a clock that only waiting moves."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from labelplan.detect.pace import Pace
from labelplan.detect.rekognition import Limits, Objects, RekognitionDetector
from labelplan.detect.rekognition_client import make_client
from labelplan.model.objects import S3Object
from labelplan.model.spec import DetectorSettings
from tests.detect.wire import error

if TYPE_CHECKING:
    from collections.abc import Iterator


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
