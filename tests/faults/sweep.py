"""Every call of every story, disturbed in every way; or only every so manieth. Several processes share the work."""

from __future__ import annotations

import itertools
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.faults.clients import ONE
from tests.faults.judging import Fault
from tests.faults.stage import Stage, staged
from tests.faults.stories import STORIES
from tests.faults.targets import SIMULATED, Target, connected, opened
from tests.faults.telling import Point, Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True)
class Task:
    """One story, told again and again, each call in it disturbed in one *way*; *every* 3: a third of them.

    *first*: the first call that is disturbed, from 1; *most*: how many are.
    """

    story: str
    mode: str
    way: str
    every: int = 1
    first: int = 0
    most: int | None = None


def tell(stage: Stage, task: Task, number: int) -> Point:
    """Tell a story once, the call of this *number* disturbed."""
    story = STORIES[task.story]
    stage.manner = ONE
    one = Telling(stage, task.story, task.mode, replace(story.ways[task.way], number=number))
    try:
        story.told(one)
    except TimeoutError as late:  # a client that does not end; the next story finds it killed
        one.judge([Fault("wrong", str(late))])
        one.note()
        return one.end()
    else:
        return one.end()
    finally:
        one.leave()


def sweep(stage: Stage, task: Task) -> Iterator[Point]:
    """Tell the story until there is no such call any more."""
    # each way begins elsewhere, so together they meet all calls
    first = task.first or 1 + sorted(STORIES[task.story].ways).index(task.way) % task.every
    for number in itertools.islice(itertools.count(first, task.every), task.most):
        point = tell(stage, task, number)
        if not point.met:
            return
        yield point


def share(target: Target, tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, list[Point]]]:
    """Do all tasks in so many processes, each with a proxy and clients of its own; a simulator as well."""
    context, options = get_context("spawn"), (target.name, target.url)
    with ProcessPoolExecutor(jobs, context, initializer=_set_stage, initargs=options) as pool:
        tellings = {pool.submit(_tell_all, task): task for task in tasks}
        for done in as_completed(tellings):
            yield tellings[done], done.result()


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


def _tell_all(task: Task) -> list[Point]:
    return list(sweep(_STAGES[0], task))


def tasks_of(stories: Iterable[str], modes: Sequence[str], every: int = 1) -> Iterator[Task]:
    """List what there is to do for some stories, in all ways."""
    for mode in modes:
        for story in stories:
            for way in STORIES[story].ways:
                yield Task(story, mode, way, every)
