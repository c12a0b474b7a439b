"""What is said before a run is undone: what it did and when, and how much would come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.view.record_text import when
from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def undo_lines(run: Mapping[str, Any], keys: Sequence[str], rules: Sequence[str]) -> Iterator[str]:
    """Yield what a person should know who says yes. *run*: as `runs --json` prints it; *keys*, *rules*: only these."""
    start, ended = run["start"], run["applied"]
    bucket = printable(start["target"]["bucket"])
    yield f"The run {bucket}/{run['run']} ({run['state']}) began {when(start['started'])}. {_deleted(ended)}"
    if run["undone"]:
        restored = run["undone"]["counts"].get("restored", 0)
        yield f"It was undone on {when(run['undone']['finished'])}: {restored:,} restored."
    if run["purged"]:
        purged = when(run["purged"]["finished"])
        yield f"Its way back was ended on purpose on {purged}: what went then does not come back."
    if keys or rules:
        yield f"This brings back {_part(keys, rules)}; nothing newer is touched."
    else:
        yield "This brings back whatever of it is still deleted; nothing newer is touched."


def open_lines(count: int) -> Iterator[str]:
    """Yield what is to be known of *count* objects that are there, but whose delete was never answered."""
    if count:
        yield f"The run was stopped while it deleted {_objects(count)} of those that are there now."
        yield "A request of it may still be on its way: the same undo, given again in 15 minutes, looks once more."


def _deleted(ended: Mapping[str, Any] | None) -> str:
    if ended is None:
        return "It has not ended; how much it deleted is looked up object by object."
    count = ended["counts"].get("deleted", 0)
    return f"It deleted {_objects(count)}, and was done at {when(ended['finished'])}."


def _part(keys: Sequence[str], rules: Sequence[str]) -> str:
    parts = [f"{_objects(len(keys))} of it"] * bool(keys)
    parts += [f"all that the label rule {printable(name)} deleted" for name in rules]
    return " and ".join(parts)


def _objects(count: int) -> str:
    return f"{count:,} object{'s' * (count != 1)}"
