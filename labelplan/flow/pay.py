"""Have everything labelled that has no answer yet: many at once, in any order, each answer kept as it comes.

Whatever ends it, what is under way is finished and kept first. Nothing is decided here.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from labelplan.errors import AnswersPending, AwsRefused
from labelplan.flow.answers import POLL_S
from labelplan.flow.observe import Labelling
from labelplan.flow.references import NO_ACCESS_HINT
from labelplan.model.response import NO_ACCESS, OF_CONTENT, Answered, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from labelplan.detect.wanted import Wanted
    from labelplan.flow.answers import Answers
    from labelplan.flow.observe import Observer
    from labelplan.model.objects import S3Object
    from labelplan.model.response import Answer

TICK_S = 0.2
"""How often the observer hears of it."""

IN_A_ROW = 50
"""So many images without an answer, one after the other, and the rest is not tried."""


def pay(wanted: Wanted, answers: Answers, model: str, observer: Observer, *, settled: bool) -> str:
    """Ask about every content in *wanted*; return the model version that the service has moved to, else nothing.

    *model*: the references' `LabelModelVersion`, empty for any; *settled*: whether the service gave it just now, so
    that an answer of another one is no news. Raises `AnswersPending` when everything was tried and some have no answer,
    and what the detector raises: then nothing more is begun.
    """
    payer = _Payer(wanted, answers, model, observer, settled=settled)
    detector = answers.detector
    pool = ThreadPoolExecutor(detector.concurrency)
    try:
        payer.ask_all(pool, wanted.items())
        while not payer.moved and (later := wanted.take_later()):
            payer.ask_all(pool, later)
    except BaseException:
        detector.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    payer.tell()
    if payer.why is not None and not payer.moved:
        raise payer.left_over()
    return payer.moved


class _Payer:
    """What has come so far. *moved*: the model that the service turned out to have; *why*: the last image's failure."""

    def __init__(self, wanted: Wanted, answers: Answers, model: str, observer: Observer, *, settled: bool) -> None:
        self.moved = ""
        self.why: AnswersPending | None = None
        self._wanted = wanted
        self._answers = answers
        self._model = model
        self._observer = observer
        self._settled = settled
        self._total = len(wanted)
        self._done = self._pending = self._pending_in_a_row = self._barred_in_a_row = 0
        self._results: SimpleQueue[Future[Answer | None]] = SimpleQueue()
        self._flying = 0
        self._told = 0.0

    def ask_all(self, pool: ThreadPoolExecutor, items: Iterable[S3Object]) -> None:
        """Ask about *items*, and wait for their results."""
        for item in items:
            # one alone until there is a result: what would fail for all fails once
            while self._flying >= (self._answers.detector.concurrency if self._done else 1):
                self._collect()
            if self.moved:
                break
            pool.submit(self._ask, item).add_done_callback(self._results.put)
            self._flying += 1
        while self._flying:
            self._collect()

    def tell(self) -> None:
        """Tell the observer how it gets on."""
        self._told = time.monotonic()
        self._observer.labelling(Labelling(self._done, self._total, self._pending, self._answers.traffic()))

    def left_over(self) -> AnswersPending:
        """Make the error that says how many images have no answer yet, and why."""
        left = self._total - self._done
        return AnswersPending(f"{left:,} of {self._total:,} images have no answer yet. The last one: {self.why}")

    def _ask(self, item: S3Object) -> Answer | None:
        """Ask about an object, and about the others of its content if the failure is its own; None: put off."""
        content = self._answers.content(item)
        for one in (item, *self._others(content)):
            answer = self._answers.ask(one, self._model)
            if answer is None:
                time.sleep(POLL_S)
                self._wanted.put_off(one)
                return None
            if isinstance(answer, Answered) or answer.code in OF_CONTENT:
                return answer
            self._wanted.fail(one.key, answer)
        return answer

    def _others(self, content: bytes) -> Iterable[S3Object]:
        yield from self._wanted.others(content)  # looked up only when somebody asks for the next one

    def _collect(self) -> None:
        """Take one result, if one comes in time, and tell the observer now and then."""
        try:
            future = self._results.get(timeout=TICK_S)
        except Empty:
            self.tell()
            return
        self._flying -= 1
        try:
            answer = future.result()
        except AnswersPending as error:
            self._count_pending(error)
        else:
            if answer is not None:
                self._count(answer)
        if time.monotonic() - self._told >= TICK_S:
            self.tell()

    def _count(self, answer: Answer) -> None:
        self._done += 1
        self._pending_in_a_row = 0
        if isinstance(answer, Unreadable):
            self._count_barred(answer)
            return
        self._barred_in_a_row = 0
        version = answer.response.LabelModelVersion
        if self._model and version != self._model and not self._settled:
            self.moved = version

    def _count_barred(self, answer: Unreadable) -> None:
        """Stop when the service can read nothing at all: that is no matter of single objects."""
        self._barred_in_a_row = self._barred_in_a_row + 1 if answer.code == NO_ACCESS else 0
        if self._barred_in_a_row == self._done == IN_A_ROW:
            raise AwsRefused(f"Rekognition could read none of the first {IN_A_ROW} objects.", hint=NO_ACCESS_HINT)

    def _count_pending(self, error: AnswersPending) -> None:
        self.why = error
        self._pending += 1
        self._pending_in_a_row += 1
        if self._pending_in_a_row >= IN_A_ROW:
            raise self.left_over() from None
