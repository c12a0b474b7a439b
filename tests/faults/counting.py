"""What a sweep came to: a table, and one line in the end that says it all."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.faults.disturbances import Disturbance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.telling import Point


_KINDS = ("lost", "kept", "newer", "wrong")
_ROW = "{:<14} {:<20} {:>5} {:>9} {:>6} {:>8} {:>4} {:>4} {:>5} {:>5}"


class Count:
    """Counts points and faults, by mode and story."""

    def __init__(self) -> None:
        self.points: Counter[tuple[str, str]] = Counter()
        self.commands: Counter[tuple[str, str]] = Counter()
        self.faults: Counter[tuple[str, str, str]] = Counter()
        self.calls: dict[tuple[str, str], int] = {}
        """How many calls the undisturbed story makes."""
        self.met: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        """The numbers of those that were disturbed."""

    def add(self, point: Point) -> None:
        at = (point.mode, point.story)
        self.points[at] += 1
        self.commands[at] += point.commands
        self.met[at].add(point.met)
        self.faults.update((*at, kind) for kind in {fault.kind for fault in point.faults})

    def left(self, at: tuple[str, str]) -> list[int]:
        """List the calls that were not disturbed."""
        return sorted(set(range(1, self.calls.get(at, 0) + 1)) - self.met[at])

    @property
    def bad(self) -> int:
        return self.faults.total()

    def table(self) -> Iterator[str]:
        """Make one line for each way back and story, and one for all."""
        yield _ROW.format("way back", "story", "calls", "disturbed", "points", "commands", *_KINDS)
        for mode, story in sorted(self.points):
            at = (mode, story)
            kinds = [self.faults[*at, kind] for kind in _KINDS]
            calls = self.calls.get(at, 0)
            yield _ROW.format(*at, calls, calls - len(self.left(at)), self.points[at], self.commands[at], *kinds)
        yield self.line()

    def line(self) -> str:
        """Say it in one sentence."""
        lost, kept, newer, wrong = (sum(n for at, n in self.faults.items() if at[2] == kind) for kind in _KINDS)
        return (
            f"{self.points.total():,} points: {lost} lost, {kept} deleted or changed that the plan keeps, "
            f"{newer} newer overwritten or hidden, {wrong} wrong otherwise"
        )


def words(point: Point) -> str:
    """Describe a point that went wrong, so that it can be told again."""
    what = point.disturbance
    told = [f"{point.mode}, {point.story}, {_short(what)}: met {point.call}"]
    told += [f"  {fault.kind}: {fault.what}" for fault in point.faults[:8]]
    return "\n".join(told + [f"  | {said}" for said in point.said])


def _short(what: Disturbance) -> str:
    """Write a disturbance without what is as usual."""
    usual = Disturbance(what.kind, what.number)
    odd = [
        f"{name}={getattr(what, name)}"
        for name in what.__struct_fields__
        if getattr(what, name) != getattr(usual, name)
    ]
    return " ".join([what.kind, str(what.number), *odd])
