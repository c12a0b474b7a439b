"""Look at the bucket before anything is paid: does all that the spec names exist, and what is there to be decided?

One pass over the listing, which is spooled to disk: what is planned is what was looked at. The spec's mistakes against
the bucket are all reported at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labelplan.errors import SpecMismatch
from labelplan.rules.decide import Judge, glob
from labelplan.store.spool import Spool

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

    from labelplan.flow.observe import Observer
    from labelplan.model.objects import S3Object
    from labelplan.model.spec import LabelRule
    from labelplan.store.interface import Reader


@dataclass
class _Seen:
    """What was met while listing, to tell afterwards what was not; *open*: the patterns that matched nothing so far."""

    open: dict[str, re.Pattern[str]]
    filled: list[bool]
    keys: set[str] = field(default_factory=set)
    changed: dict[str, str] = field(default_factory=dict)


def survey(judges: Sequence[Judge], reader: Reader, observer: Observer, *, whole: bool) -> Spool:
    """List every prefix once and check the spec against it; raises `SpecMismatch` with all that does not fit.

    *whole*: whether *judges* are all rules of the spec; else a `protect` that matches nothing may belong to another.
    """
    protect = {pattern: glob(pattern) for judge in judges[:1] for pattern in judge.protect}
    seen = _Seen(protect if whole else {}, [False] * len(judges))
    spool = Spool()
    try:
        objects = 0
        for position, page in reader.list_pages([judge.rule.prefix for judge in judges]):
            _look(seen, judges[position], position, page)
            spool.append(position, page)
            objects += len(page)
            observer.listed(objects)
        problems = [
            _nothing_there(judge.rule, reader) for judge, filled in zip(judges, seen.filled, strict=True) if not filled
        ]
        problems += _unmatched([judge.rule for judge in judges], seen)
        _refuse(problems)
    except BaseException:
        spool.close()
        raise
    return spool


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise SpecMismatch(
            "The spec does not fit the bucket:\n" + "\n".join(f"  {problem}" for problem in problems),
            hint="Nothing was labelled and nothing paid. Correct the spec, or the bucket, and plan again.",
        )


def _look(seen: _Seen, judge: Judge, position: int, page: Sequence[S3Object]) -> None:
    seen.filled[position] = seen.filled[position] or any(item.size for item in page)
    for pattern, compiled in list(seen.open.items()):
        if any(compiled.fullmatch(item.key) for item in page):
            del seen.open[pattern]
    etags = {pin.key: pin.etag for pin in judge.rule.delete}
    if pinned := etags.keys() | set(judge.rule.keep):
        for item in page:
            if item.key in pinned:
                seen.keys.add(item.key)
                if etags.get(item.key, item.etag) != item.etag:
                    seen.changed[item.key] = item.etag


def _nothing_there(rule: LabelRule, reader: Reader) -> str:
    parent, _, _ = rule.prefix.rstrip("/").rpartition("/")
    folder = f"{parent}/" if parent else ""
    beside = next(iter(reader.list_current(folder)), None) if folder else None
    found = f"; the first object under {folder} is {beside.key}" if beside else ""
    return f"labels.{rule.name}.prefix: no image under {rule.prefix}{found}"


def _unmatched(rules: Sequence[LabelRule], seen: _Seen) -> Iterator[str]:
    for pattern in seen.open:
        yield f"protect: '{pattern}' matches no object under the planned prefixes"
    for rule in rules:
        for key in rule.keep:
            if key not in seen.keys:
                yield f"labels.{rule.name}.keep: there is no object {key}"
        for pin in rule.delete:
            if pin.key not in seen.keys:
                yield f"labels.{rule.name}.delete: there is no object {pin.key}"
            elif pin.key in seen.changed:
                now = seen.changed[pin.key]
                yield f"labels.{rule.name}.delete: {pin.key} has the ETag {now} now, not {pin.etag}: look at it again"
