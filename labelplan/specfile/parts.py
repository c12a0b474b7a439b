"""Reading data that may be wrong: each function yields what has the right type, and leaves out the rest.

So the checks between values work on a file with other mistakes in it. Data that passed the schema go to `build.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from labelplan.specfile.text import Value, Where

    Named = tuple[Where, str]
    """A text and where it stands; also a complaint about the value that stands there."""

_NOTHING: Mapping[str, Value] = {}


def mapping(value: Value) -> Mapping[str, Value]:
    """Return a mapping, an empty one for anything else."""
    return value if isinstance(value, dict) else _NOTHING


def number(value: Value) -> float | None:
    """Return a number, None for anything else (a truth value is no number)."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def items(part: Mapping[str, Value], name: str, at: Where) -> Iterator[tuple[Where, Value]]:
    """Yield the items of the list *name* of a part that stands at *at*."""
    listed = part.get(name)
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        yield (*at, name, index), item


def texts(part: Mapping[str, Value], name: str, at: Where) -> Iterator[Named]:
    """Yield the texts of a list, without empty ones."""
    return ((where, item) for where, item in items(part, name, at) if isinstance(item, str) and item)


def labels(part: Mapping[str, Value], name: str, at: Where) -> Iterator[Named]:
    """Yield the label names of a list of names and `{label, threshold}`."""
    for where, item in items(part, name, at):
        label = item if isinstance(item, str) else mapping(item).get("label")
        if isinstance(label, str):
            yield where, label


def pins(rule: Mapping[str, Value], at: Where) -> Iterator[Named]:
    """Yield the keys that a rule is told to delete."""
    for where, item in items(rule, "delete", at):
        if isinstance(key := mapping(item).get("key"), str):
            yield (*where, "key"), key


def first_places(named: Iterable[Named]) -> dict[str, Where]:
    """Return where each text stands first."""
    places: dict[str, Where] = {}
    for where, name in named:
        places.setdefault(name, where)
    return places
