"""What a person is told when an apply or an undo has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.view.other_text import other_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from labelplan.view.other_text import Outcome
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


def outcome_lines(
    verb: str,
    counts: Mapping[str, int],
    words: Mapping[str, str],
    others: Iterable[Outcome],
    style: Style,
) -> Iterator[str]:
    """Yield which objects are not as they should be, then `Apply complete: 13 deleted.`.

    *words*: what to call each outcome, the wished-for one first; it is told even if it did not occur.
    """
    shown = list(others)
    yield from other_lines(shown, style)
    more = sum(counts.get(outcome, 0) for outcome in ("changed", "gone", "left", "kept", "failed")) - len(shown)
    if more > 0:
        yield f"  … and {more:,} more, all in the run's record"
    first = next(iter(words))
    told = [f"{counts.get(one, 0):,} {word}" for one, word in words.items() if counts.get(one) or one == first]
    short = counts.get("failed") or counts.get("kept")  # what a purge kept can still be read
    yield style.bold(f"{verb} {'incomplete' if short else 'complete'}: {', '.join(told)}.")
