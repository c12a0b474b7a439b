"""Look at the bucket before anything is paid: does all that the spec names exist, and how many calls will it take?

One pass over the listing. The spec's mistakes against the bucket are all reported at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labelplan.errors import SpecMismatch
from labelplan.rules.decide import Judge, glob

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelplan.model.objects import S3Object
    from labelplan.model.spec import LabelRule, Spec
    from labelplan.store.interface import Reader


@dataclass(frozen=True)
class Survey:
    """What a plan will take: *objects* listed, of which *to_label* need an answer."""

    objects: int
    to_label: int


@dataclass
class _Seen:
    """What was met while listing, to tell afterwards what was not."""

    objects: int = 0
    to_label: int = 0
    keys: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    changed: dict[str, str] = field(default_factory=dict)


def survey(spec: Spec, judges: Sequence[Judge], reader: Reader) -> Survey:
    """List every prefix once and check the spec against it; raises `SpecMismatch` with all that does not fit."""
    problems: list[str] = []
    seen = _Seen()
    protect = {pattern: glob(pattern) for pattern in spec.protect}
    for judge in judges:
        pinned = set(judge.rule.keep) | {pin.key for pin in judge.rule.delete}
        etags = {pin.key: pin.etag for pin in judge.rule.delete}
        filled = 0
        for item in reader.list_current(judge.rule.prefix):
            seen.objects += 1
            filled += item.size > 0
            seen.to_label += _needs_answer(judge, item)
            seen.patterns.update(p for p, compiled in protect.items() if compiled.fullmatch(item.key))
            if item.key in pinned:
                seen.keys.add(item.key)
                if etags.get(item.key, item.etag) != item.etag:
                    seen.changed[item.key] = item.etag
        if not filled:
            problems.append(_nothing_there(judge.rule, reader))
    problems += _unmatched(spec, seen)
    if problems:
        raise SpecMismatch(
            "The spec does not fit the bucket:\n" + "\n".join(f"  {problem}" for problem in problems),
            hint="Nothing was labelled and nothing paid. Correct the spec, or the bucket, and plan again.",
        )
    return Survey(seen.objects, seen.to_label)


def _needs_answer(judge: Judge, item: S3Object) -> bool:
    """Tell whether the detector has to be asked about an object."""
    return item.size > 0 and judge.without_answer(item) is None


def _nothing_there(rule: LabelRule, reader: Reader) -> str:
    parent, _, _ = rule.prefix.rstrip("/").rpartition("/")
    folder = f"{parent}/" if parent else ""
    beside = next(iter(reader.list_current(folder)), None) if folder else None
    found = f"; the first object under {folder} is {beside.key}" if beside else ""
    return f"labels.{rule.name}.prefix: no image under {rule.prefix}{found}"


def _unmatched(spec: Spec, seen: _Seen) -> Iterator[str]:
    for pattern in spec.protect:
        if pattern not in seen.patterns:
            yield f"protect: '{pattern}' matches no object under the planned prefixes"
    for rule in spec.rules:
        for key in rule.keep:
            if key not in seen.keys:
                yield f"labels.{rule.name}.keep: there is no object {key}"
        for pin in rule.delete:
            if pin.key not in seen.keys:
                yield f"labels.{rule.name}.delete: there is no object {pin.key}"
            elif pin.key in seen.changed:
                now = seen.changed[pin.key]
                yield f"labels.{rule.name}.delete: {pin.key} has the ETag {now} now, not {pin.etag}: look at it again"
