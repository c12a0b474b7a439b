"""The objects that are not as they should be: which, why, and what S3 would have to allow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from labelplan.view.style import Style

PERMISSIONS = "docs/apply-and-undo.md, Permissions."

NAMED = 3
"""So many of the objects that failed in the same words are named."""

_DENIED = re.compile(r"\bAccessDenied\b|\b403: ")
_ACTION = re.compile(r"not authorized to perform: (s3:\w+)")  # as AWS words it
_LISTING = "list versions in"


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


class Other(NamedTuple):
    """An outcome as a record tells it."""

    key: str
    outcome: str
    message: str


def other_lines(others: Iterable[Outcome], style: Style) -> Iterator[str]:
    """Yield a line for each object; those that failed in the same words share one, with the first keys."""
    same: dict[tuple[str, ...], list[Outcome]] = {}
    for one in others:
        words = ("failed", _without(one.message, one.key)) if one.outcome == "failed" else (one.outcome, "", one.key)
        same.setdefault(words, []).append(one)
    for group in same.values():
        names = ", ".join(printable(one.key) for one in group[:NAMED])
        more = f" and {len(group) - NAMED:,} more" * (len(group) > NAMED)
        yield f"  {style.yellow(group[0].outcome)}  {names}{more}: {printable(group[0].message)}"


def is_denied(one: Outcome) -> bool:
    """Tell whether S3 did not allow what was to be done with an object."""
    return one.outcome == "failed" and bool(_DENIED.search(one.message))


def allow_lines(others: Iterable[Outcome], bucket: str, usual: str) -> Iterator[str]:
    """Yield what to allow, if S3 denied anything; *usual*: what it denies most often where it does not say what."""
    denied = [one.message for one in others if is_denied(one)]
    if not denied:
        return
    actions = sorted({action for message in denied for action in _actions(message, usual)})
    place = f" in arn:aws:s3:::{bucket}" * bool(actions)
    what = ", ".join(actions) or "what was refused"
    yield f"Allow {what}{place} for the credentials in use, then run the same command again."
    yield f"All that labelplan needs: {PERMISSIONS}"


def _actions(message: str, usual: str) -> Sequence[str]:
    if named := _ACTION.findall(message):
        return named
    if _LISTING in message:
        return ["s3:ListBucketVersions"]
    return [] if "Cannot " in message else [usual]  # of reading and copying there are too many to guess


def _without(message: str, key: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "…", message)
