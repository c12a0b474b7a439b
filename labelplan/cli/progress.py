"""Progress of long work on stderr: a bar where a person watches, a plain line every ten seconds where none does."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from labelplan.cli.output import talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

EVERY_S = 10.0


class Progress:
    """A counter that a person can watch. Called from the main thread only."""

    def __init__(self, verb: str, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Count *unit*s being, say, `Labelled`."""
        self._verb, self._unit, self._clock = verb, unit, clock
        self._spoke = self._began = clock()
        self._bar = None

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
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)
            return
        now = self._clock()
        if now - self._spoke >= EVERY_S:
            self._spoke = now
            rate = done / (now - self._began)
            talk(f"{self._verb} {done:,} of {total:,} {self._unit}, {rate:,.0f} a second")
