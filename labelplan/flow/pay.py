"""Have everything labelled that has no answer yet: many at once, in any order, each answer kept as it comes.

Whatever ends it, what is under way is finished and kept first. Nothing is decided here.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from labelplan.errors import AnswersPending, AwsRefused, DetectorFailed
from labelplan.flow.answers import ELSEWHERE, PATIENCE_S
from labelplan.flow.observe import Labelling
from labelplan.flow.references import NO_ACCESS_HINT
from labelplan.model.response import MALFORMED, NO_ACCESS, OF_CONTENT, Unreadable

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
"""So many images that cannot be read, one after the other, or that stay pending, and the rest is not tried."""

AT_FIRST = 3
"""The same for pending ones when none has had an answer yet, and they are asked about one by one."""

COPIES = 3
"""How many objects of one content are tried when it is the objects that the service cannot read."""


def pay(  # noqa: PLR0913 - what is asked, of whom, and who hears of it
    wanted: Wanted, answers: Answers, model: str, observer: Observer, *, settled: bool, before: int = 0
) -> str:
    """Ask about every content in *wanted*; return the model version that the service has moved to, else nothing.

    *model*: the references' `LabelModelVersion`, empty for any; *settled*: whether the service gave it just now, so
    that an answer of another one is no news; *before*: images answered already, for the observer. Raises
    `AnswersPending` when everything was tried and some have no answer, or others have been at them for too long, and
    what the detector raises: then nothing more is begun.
    """
    payer = _Payer(wanted, answers, model, observer, settled=settled, before=before)
    pool = ThreadPoolExecutor(answers.detector.concurrency)
    try:
        payer.ask_all(pool, wanted.items())
        while not payer.moved and (later := wanted.take_later()):
            payer.ask_again(pool, later)
            payer.check_patience()
    except BaseException:
        answers.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    payer.tell()
    if payer.why is not None and not payer.moved:
        raise payer.left_over()
    return payer.moved


class _Payer:
    """What has come so far. *moved*: the model that the service turned out to have; *why*: the last image's failure."""

    def __init__(  # noqa: PLR0913 - as `pay` has them
        self, wanted: Wanted, answers: Answers, model: str, observer: Observer, *, settled: bool, before: int
    ) -> None:
        self.moved = ""
        self.why: AnswersPending | None = None
        self._wanted = wanted
        self._answers = answers
        self._model = model
        self._observer = observer
        self._settled = settled
        self._before = before
        self._total = len(wanted)
        self._open = False
        self._elsewhere = 0
        self._last_result = time.monotonic()
        self._done = self._pending = self._pending_in_a_row = self._barred_in_a_row = 0
        self._results: SimpleQueue[Future[Answer | None]] = SimpleQueue()
        self._flying = 0
        self._told = 0.0

    def ask_all(self, pool: ThreadPoolExecutor, items: Iterable[S3Object]) -> None:
        """Ask about *items*, and wait for their results."""
        for item in items:
            # one alone until there is a result: what would fail for all fails once
            while self._flying >= (self._answers.detector.concurrency if self._open else 1):
                self._collect()
            if self.moved:
                break
            pool.submit(self._ask, item).add_done_callback(self._results.put)
            self._flying += 1
        while self._flying:
            self._collect()

    def ask_again(self, pool: ThreadPoolExecutor, items: Iterable[S3Object]) -> None:
        """Ask about what others were asking about."""
        self._elsewhere = 0
        self.ask_all(pool, items)

    def tell(self) -> None:
        """Tell the observer how it gets on."""
        self._told = time.monotonic()
        done, total, traffic = self._before + self._done, self._before + self._total, self._answers.traffic()
        self._observer.labelling(Labelling(done, total, self._pending, traffic, self._elsewhere))

    def left_over(self) -> AnswersPending:
        """Make the error that says how many images have no answer yet, and why."""
        left = self._total - self._done
        return AnswersPending(f"{left:,} of {self._total:,} images have no answer yet. The last one: {self.why}")

    def check_patience(self) -> None:
        """Raise `AnswersPending` if for long nothing came but that others are asking."""
        if time.monotonic() - self._last_result > PATIENCE_S:
            self.why = AnswersPending(ELSEWHERE)
            raise self.left_over()

    def _ask(self, item: S3Object) -> Answer | None:
        """Ask about an object, and about some others of its content if the failure is its own; None: put off."""
        content = self._answers.content(item)
        answer = self._answers.ask(item, self._model)
        if _of_the_object(answer):
            for other in self._wanted.others(content, COPIES - 1):
                answer = self._answers.ask(other, self._model)
                if not _of_the_object(answer):
                    break
        if answer is None:
            self._answers.pause()
            self._wanted.put_off(item)
        elif isinstance(answer, Unreadable) and answer.code not in OF_CONTENT:
            self._wanted.fail(content, answer)
        return answer

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
            self._open = True
            if answer is None:
                self._elsewhere += 1
            else:
                self._count(answer)
        if time.monotonic() - self._told >= TICK_S:
            self.tell()

    def _count(self, answer: Answer) -> None:
        self._done += 1
        self._pending_in_a_row = 0
        self._last_result = time.monotonic()
        if isinstance(answer, Unreadable):
            self._count_barred(answer)
            return
        self._barred_in_a_row = 0
        version = answer.response.LabelModelVersion
        if self._model and version != self._model and not self._settled:
            self.moved = version

    def _count_barred(self, answer: Unreadable) -> None:
        """Stop when the service can read nothing at all, or says nothing usable: it is not about single objects."""
        self._barred_in_a_row = self._barred_in_a_row + 1 if answer.code in {NO_ACCESS, MALFORMED} else 0
        if self._barred_in_a_row == self._done == IN_A_ROW:
            if answer.code == NO_ACCESS:
                raise AwsRefused(f"Rekognition could read none of the first {IN_A_ROW} objects.", hint=NO_ACCESS_HINT)
            what = f"None of the first {IN_A_ROW} answers can be used; the last one: {answer.message}"
            raise DetectorFailed(what)

    def _count_pending(self, error: AnswersPending) -> None:
        self.why = error
        self._pending += 1
        self._pending_in_a_row += 1
        self._last_result = time.monotonic()
        if self._pending_in_a_row >= (IN_A_ROW if self._open else AT_FIRST):
            raise self.left_over() from None


def _of_the_object(answer: Answer | None) -> bool:
    """Tell whether another object with the same content may fare better."""
    return isinstance(answer, Unreadable) and answer.code in {NO_ACCESS, "changed"}
