"""Ask the detector about many images at once; the answers come in the order of the images, in bounded memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from labelplan.model.response import Answered, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from labelplan.detect.interface import Detector
    from labelplan.model.objects import Image
    from labelplan.model.response import Answer

AHEAD = 8
"""How many images may wait for each one asked at once; enough that one slow answer does not stall the others."""

T = TypeVar("T")
R = TypeVar("R")


def in_order(items: Iterable[T], ask: Callable[[T], R], concurrency: int) -> Iterator[tuple[T, R]]:
    """Yield every item with what *ask* returned for it, in order, with *concurrency* threads at work.

    The first exception ends it: what has not begun is cancelled, what is in flight is waited for.
    """
    waiting: deque[tuple[T, Future[R]]] = deque()
    pool = ThreadPoolExecutor(concurrency)
    try:
        for item in items:
            waiting.append((item, pool.submit(ask, item)))
            if len(waiting) >= AHEAD * concurrency:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def ask_same_model(detector: Detector, image: Image, model_version: str) -> Answer:
    """Label one image by the model that labelled the references; asks twice, then says that it cannot be compared.

    *model_version* is the references' `LabelModelVersion`; empty: there is nothing to compare with.
    """
    answer = detector.detect(image)
    if _is_other(answer, model_version):
        answer = detector.detect(image)
    if isinstance(answer, Answered) and _is_other(answer, model_version):
        other = answer.response.LabelModelVersion
        return Unreadable("other-model", f"answered by model {other}, the references by {model_version}; plan again")
    return answer


def _is_other(answer: Answer, model_version: str) -> bool:
    return isinstance(answer, Answered) and bool(model_version) and answer.response.LabelModelVersion != model_version
