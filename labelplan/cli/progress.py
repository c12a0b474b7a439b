"""Progress of long work on stderr: a bar where a person watches, a plain line every ten seconds where none does."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from labelplan.cli.events import Pulse, Speed, estimated, labelling
from labelplan.cli.output import talk
from labelplan.view.estimate_text import estimate_line, labelling_line, listing_line, writing_line
from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn, TaskID

    from labelplan.flow.observe import Estimate, Labelling

EVERY_S = 10.0

AT_ONCE_S, LIVE_S = 0.5, 0.1
"""At a terminal: what takes less than the first is not shown at all, and the line changes every so often."""


class _Line:
    """A line of rich's below everything else on a terminal, once it is started; gone at the end of the block."""

    _bar: Bar | None = None
    _task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away, whatever happened."""
        if self._bar is not None:
            self._bar.stop()

    def _start(self, description: str, *columns: ProgressColumn) -> None:
        """Show the line: its description, then *columns*."""
        from rich.console import Console  # noqa: PLC0415 - a slow import, for a terminal only
        from rich.progress import Progress as Bar  # noqa: PLC0415 - as above
        from rich.progress import TextColumn  # noqa: PLC0415 - as above

        text = TextColumn("{task.description}", markup=False)
        self._bar = Bar(text, *columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
        self._task = self._bar.add_task(description, total=None)
        self._bar.start()


class Progress(_Line):
    """A counter that a person can watch. Called from the main thread only."""

    def __init__(self, verb: str, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Count *unit*s being, say, `Labelled`."""
        self._verb, self._unit, self._clock = verb, unit, clock
        self._spoke = self._began = clock()

    def __enter__(self) -> Self:
        """Begin; rich is loaded only for a terminal."""
        if sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn  # noqa: PLC0415 - slow, too

            self._start(self._verb, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return self

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


class LiveLine(_Line):
    """One line about what goes on: it changes in place at a terminal, and is said every ten seconds where none is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count; nothing is shown yet."""
        self._terminal = sys.stderr.isatty()
        self._pulse = Pulse(LIVE_S, clock, delay=AT_ONCE_S) if self._terminal else Pulse(EVERY_S, clock)

    def show(self, line: Callable[[], str]) -> None:
        """Show *line* if it is time for it; it is only made then."""
        if not self._pulse.due():
            return
        if not self._terminal:
            talk(line())
        elif self._bar is None or self._task is None:
            self._start(line())
        else:
            self._bar.update(self._task, description=line())


class PlanProgress:
    """Tells a person how a plan gets on; an `Observer` of its flow."""

    def __init__(self, line: LiveLine, max_calls: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Show it through *line*; *max_calls*: the budget that holds."""
        self._line, self._max_calls = line, max_calls
        self._speed = Speed(clock)
        self._estimate: Estimate | None = None

    def took(self, plan: Path, answers: int) -> None:
        """Tell how many answers an earlier plan gave that were not here."""
        name = printable(str(plan))
        took = f"Took {answers:,} answer{'s' * (answers != 1)} from {name}"
        talk(took if answers else f"{name}: all its answers are here already")

    def listed(self, objects: int) -> None:
        """See `Observer.listed`."""
        self._line.show(lambda: listing_line({"objects": objects}))

    def estimated(self, estimate: Estimate) -> None:
        """See `Observer.estimated`."""
        if self._estimate is not None:
            talk("Rekognition has a new model, whose answers cannot be compared with those of the old one. Now it is:")
        self._estimate = estimate
        talk(estimate_line(estimated(estimate, self._max_calls)))

    def labelling(self, state: Labelling) -> None:
        """See `Observer.labelling`."""
        rate = self._speed.measure(state.done)
        self._line.show(lambda: labelling_line(labelling(state, rate, self._estimate)))

    def writing(self, done: int, total: int) -> None:
        """See `Observer.writing`."""
        self._line.show(lambda: writing_line({"done": done, "total": total}))
