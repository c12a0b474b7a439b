"""Progress of long work on stderr: a bar where a person watches, a plain line every ten seconds where none does."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from labelplan.cli.output import talk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

EVERY_S = 10.0


class Progress:
    """A counter that a person can watch. Called from the main thread only."""

    def __init__(self, verb: str, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Count *unit*s being, say, `Labelled`."""
        self._verb, self._unit, self._clock = verb, unit, clock
        self._spoke = self._began = clock()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin; rich is loaded only for a terminal."""
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 - a slow import, for a terminal only
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
            from rich.progress import Progress as Bar  # noqa: PLC0415

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._verb, total=None)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, whatever happened."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """Say that *done* of *total* are done."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
            return
        now = self._clock()
        if now - self._spoke >= EVERY_S:
            self._spoke = now
            rate = done / (now - self._began)
            talk(f"{self._verb} {done:,} of {total:,} {self._unit}, {rate:,.0f} a second")


class RunProgress:
    """Shows how an apply or undo gets on; an `Observer` of its flow."""

    def __init__(self, progress: Progress) -> None:
        """Show it through *progress*."""
        self._progress = progress
        self._total = 0

    def started(self, run: str, total: int, *, resumed: bool) -> None:
        """Name the run at once: it is what undo needs, should this process be killed."""
        self._total = total
        talk(f"Going on with the run {run}" if resumed else f"Run {run}")

    def progressed(self, counts: Mapping[str, int]) -> None:
        """Count whatever the outcome was."""
        self._progress.update(sum(counts.values()), self._total)
