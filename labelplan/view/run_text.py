"""What a person is told when an apply or an undo has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from labelplan.view.style import Style

APPLY_WORDS = {
    "deleted": "deleted",
    "changed": "kept because they have changed",
    "gone": "gone already",
    "failed": "failed",
}
UNDO_WORDS = {
    "restored": "restored",
    "present": "there already",
    "left": "left as they are",
    "failed": "failed",
}


class Outcome(Protocol):
    """What became of one object: a result of apply, of undo or of a purge."""

    @property
    def key(self) -> str:
        """Which object."""

    @property
    def outcome(self) -> str:
        """In a word."""

    @property
    def message(self) -> str:
        """Why."""


def outcome_lines(
    verb: str,
    counts: Mapping[str, int],
    words: Mapping[str, str],
    others: Iterable[Outcome],
    style: Style,
) -> Iterator[str]:
    """Yield a line for each object that is not as it should be, then `Apply complete: 13 deleted.`.

    *words*: what to call each outcome, the wished-for one first; it is told even if it did not occur.
    """
    shown = list(others)
    for other in shown:
        yield f"  {style.yellow(other.outcome)}  {printable(other.key)}: {printable(other.message)}"
    more = sum(counts.get(outcome, 0) for outcome in ("changed", "gone", "left", "kept", "failed")) - len(shown)
    if more > 0:
        yield f"  … and {more:,} more, all in the run's record"
    first = next(iter(words))
    told = [f"{counts.get(one, 0):,} {word}" for one, word in words.items() if counts.get(one) or one == first]
    short = counts.get("failed") or counts.get("kept")  # what a purge kept can still be read
    yield style.bold(f"{verb} {'incomplete' if short else 'complete'}: {', '.join(told)}.")
