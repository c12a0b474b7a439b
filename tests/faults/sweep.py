"""Tells stories, one call of each disturbed, in several processes at once. `points.py` says which calls, and how."""

from __future__ import annotations

import itertools
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from tests.faults.clients import ONE
from tests.faults.disturbances import NEVER
from tests.faults.judging import Fault
from tests.faults.stage import Stage, staged
from tests.faults.stories import STORIES
from tests.faults.targets import SIMULATED, Target, connected, opened
from tests.faults.telling import Point, Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.faults.disturbances import Disturbance
    from tests.faults.points import At, Calls

MOST = 12
"""Points that one process tells before it takes others: few enough that all end at about the same time."""


class Told(NamedTuple):
    """A story that is told in a bucket with this way back."""

    story: str
    mode: str


@dataclass(frozen=True)
class Task:
    """One story, told again and again, each time one call disturbed in one way."""

    told: Told
    points: Sequence[At]


def tell(stage: Stage, told: Told, disturbance: Disturbance) -> tuple[Point, Calls]:
    """Tell a story once; return what came of it, and the calls of the phase that was to be disturbed."""
    stage.manner = ONE
    one = Telling(stage, told.story, told.mode, disturbance)
    with _judging(one):
        STORIES[told.story].told(one)
    with _judging(one):
        one.leave()
    return one.end(), [(call.operation, call.changes) for call in one.calls]


@contextmanager
def _judging(one: Telling) -> Iterator[None]:
    """Whatever nobody has thought of, such as a client that does not end, is a fault of this point, and no other's."""
    try:
        yield
    except Exception as failure:  # noqa: BLE001 - as said
        one.judge([Fault("wrong", f"the story broke off: {failure!r}")])
        one.note()


def disturbed(told: Told, at: At) -> Disturbance:
    """Make the disturbance of a point."""
    return replace(STORIES[told.story].ways[at.way], number=at.number)


def tasks_of(points: Mapping[Told, Sequence[At]]) -> Iterator[Task]:
    """Cut the points of each story into tasks."""
    for told, some in points.items():
        for many in _cut(some):
            yield Task(told, many)


def _cut(points: Iterable[At]) -> Iterator[Sequence[At]]:
    rest = iter(points)
    while some := tuple(itertools.islice(rest, MOST)):
        yield some


class Workers:
    """Processes that tell stories, each with a proxy and clients of its own; a simulator as well."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def listen(self, stories: Iterable[Told]) -> dict[Told, tuple[Point, Calls]]:
        """Tell each story undisturbed; return what was found then, and the calls that can be disturbed."""
        tellings = {told: self._pool.submit(_listen, told) for told in stories}
        return {told: telling.result() for told, telling in tellings.items()}

    def tell(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, list[Point]]]:
        """Do all tasks; return each when it is done, with the points that were met."""
        tellings = {self._pool.submit(_tell_all, task): task for task in tasks}
        for done in as_completed(tellings):
            yield tellings[done], done.result()


@contextmanager
def workers(target: Target, jobs: int) -> Iterator[Workers]:
    """Run so many processes."""
    context, options = get_context("spawn"), (target.name, target.url)
    with ProcessPoolExecutor(jobs, context, initializer=_set_stage, initargs=options) as pool:
        try:
            yield Workers(pool)
        finally:
            pool.shutdown(cancel_futures=True)


_STAGES: list[Stage] = []
_OPEN = ExitStack()


def _set_stage(name: str, url: str) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    target = _OPEN.enter_context(opened(name)) if name in SIMULATED else connected(name, url)
    _STAGES.append(_OPEN.enter_context(staged(target)))


def _end_with_parent() -> None:
    """End at once when the process that shares the work is gone; what this one has started ends with its stdin."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _listen(told: Told) -> tuple[Point, Calls]:
    return tell(_STAGES[0], told, NEVER)


def _tell_all(task: Task) -> list[Point]:
    stage = _STAGES[0]
    if stage.target.rewinds or stage.again is None:
        stage.again = {}  # and else those of the last task
    points = [tell(stage, task.told, disturbed(task.told, at))[0] for at in task.points]
    return [point for point in points if point.met or point.faults]
