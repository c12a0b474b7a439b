"""What happens to one object, and why: the precedence of the reasons, in one place.

protected (keep) > pinned (keep or delete) > reference (keep) > unreadable (keep) > excluded (delete) > evidence
(keep) > truncated (keep) > no-evidence (delete). Only an answer deletes, or a `delete` pin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from labelplan.model.plan import Action, Reason
from labelplan.model.response import Answered, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labelplan.model.objects import S3Object
    from labelplan.model.plan import AcceptedLabel
    from labelplan.model.response import Answer, Label, Response
    from labelplan.model.spec import LabelRule

EMPTY = Unreadable("empty", "0 bytes: a folder marker or an empty file, not sent to the detector")


class Verdict(Struct, frozen=True):
    """A decision's core. *labels*: the evidence for a keep, the excluded labels for a delete, else empty."""

    action: Action
    reason: Reason
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judge:
    """A label rule with everything that decides under it.

    *protect*: the spec's patterns. *references*: the keys that are references of any rule of the spec. *max_labels*:
    where answers are cut.
    """

    rule: LabelRule
    accepted: tuple[AcceptedLabel, ...]
    protect: tuple[str, ...]
    references: frozenset[str]
    max_labels: int

    def without_answer(self, item: S3Object) -> Verdict | None:
        """Decide what needs no answer; None: the detector has to be asked (unless it is empty: `EMPTY`)."""
        if any(pattern.fullmatch(item.key) for pattern in self._protect):
            return Verdict("keep", "protected")
        if item.key in self._keep:
            return Verdict("keep", "pinned")
        if self._delete.get(item.key) == item.etag:
            return Verdict("delete", "pinned")
        if item.key in self.references:
            return Verdict("keep", "reference")
        return None

    def with_answer(self, answer: Answer) -> Verdict:
        """Decide by the detector's answer."""
        if not isinstance(answer, Answered):
            return Verdict("keep", "unreadable")
        if shown := _above(answer.names, self._excluding):
            return Verdict("delete", "excluded", shown)
        if shown := _above(answer.names, self._accepting):
            return Verdict("keep", "evidence", shown)
        if self._was_cut(answer.response):
            return Verdict("keep", "truncated")
        return Verdict("delete", "no-evidence")

    def _was_cut(self, response: Response) -> bool:
        """Tell whether evidence may be missing: cut at max_labels while all labels were above the threshold."""
        if len(response.Labels) < self.max_labels:
            return False
        lowest = min((accepted.threshold for accepted in self.accepted), default=self.rule.threshold)
        return min(label.Confidence for label in response.Labels) > lowest

    @cached_property
    def _excluding(self) -> dict[str, float]:
        return _lowest((graded.label, graded.threshold) for graded in self.rule.exclude)

    @cached_property
    def _accepting(self) -> dict[str, float]:
        return _lowest((accepted.label, accepted.threshold) for accepted in self.accepted)

    @cached_property
    def _protect(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(glob, self.protect))

    @cached_property
    def _keep(self) -> frozenset[str]:
        return frozenset(self.rule.keep)

    @cached_property
    def _delete(self) -> dict[str, str]:
        return {pin.key: pin.etag for pin in self.rule.delete}


def glob(pattern: str) -> re.Pattern[str]:
    """Compile a key pattern: `*` and `?` stay within a folder, `**` crosses folders; all else is literal.

    Between two wildcards the first match is as good as any later one, so it is never reconsidered (atomic groups):
    no pattern takes longer than the square of the key's length.
    """
    first, *rest = pattern.split("**")
    if not rest:
        return re.compile(_in_folder(first, last=True), re.DOTALL)
    *middle, last = rest
    between = "".join(f"(?>.*?{_in_folder(part, last=False)})" for part in middle)
    return re.compile(f"{_in_folder(first, last=False)}{between}.*{_in_folder(last, last=True)}", re.DOTALL)


def _in_folder(part: str, *, last: bool) -> str:
    """Translate a part without `**`; *last*: the key ends with it."""
    first, *rest = ("[^/]".join(map(re.escape, literal.split("?"))) for literal in part.split("*"))
    if last and rest:
        rest, end = rest[:-1], f"[^/]*{rest[-1]}"
    else:
        end = ""
    return first + "".join(f"(?>[^/]*?{literal})" for literal in rest) + end


def _lowest(thresholds: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return each label's threshold, the lowest one where it is given twice."""
    lowest: dict[str, float] = {}
    for label, threshold in thresholds:
        lowest[label] = min(threshold, lowest.get(label, threshold))
    return lowest


def _above(names: dict[str, Label], wanted: dict[str, float]) -> tuple[str, ...]:
    """Return the primary names of the wanted labels that are strictly above their thresholds, surest first."""
    both = names.keys() & wanted.keys()
    found = {label.Name: label.Confidence for name in both if (label := names[name]).Confidence > wanted[name]}
    return tuple(sorted(found, key=lambda name: (-found[name], name)))
