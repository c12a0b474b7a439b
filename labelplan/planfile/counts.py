"""What writer and reader count while decisions go by, and what must agree with it: order, reasons, summary, totals."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, islice, pairwise
from operator import attrgetter, lt
from typing import TYPE_CHECKING

from labelplan.model.plan import Totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.plan import Action, Decision, Header, Reason, Summary

    RuleCounts = dict[str, dict[tuple[Action, Reason], int]]

POSSIBLE: frozenset[tuple[Action, Reason]] = frozenset(
    {
        ("keep", "protected"),
        ("keep", "pinned"),
        ("delete", "pinned"),
        ("keep", "reference"),
        ("keep", "unreadable"),
        ("delete", "excluded"),
        ("keep", "evidence"),
        ("keep", "truncated"),
        ("delete", "no-evidence"),
    }
)
"""Which action a reason can give. Anything else, such as an unreadable object that is deleted, is no plan of ours."""

_key = attrgetter("key")
_rule = attrgetter("rule")
_class = attrgetter("rule", "action", "reason")


class Counts:
    """Running counts over decisions in the order of their keys."""

    def __init__(self) -> None:
        """Start at zero."""
        self._by_class: Counter[tuple[str, Action, Reason]] = Counter()
        self._delete_bytes = 0
        self._last_key = ""
        self._rules: dict[str, None] = {}  # as they came

    def add(self, decisions: Sequence[Decision]) -> None:
        """Count *decisions*.

        Raises `ValueError` unless their keys ascend strictly, in UTF-8 byte order, and each rule's stand together;
        nothing is counted then.
        """
        keys = [self._last_key, *map(_key, decisions)]
        if not all(map(lt, keys, keys[1:])):  # code points are in the order of their UTF-8 bytes
            before, key = next(pair for pair in pairwise(keys) if pair[0] >= pair[1])
            raise ValueError(f"the key {key!r} does not come after {before!r}")
        self._rules |= dict.fromkeys(self._begun(decisions))
        self._last_key = keys[-1]
        self._by_class.update(map(_class, decisions))
        self._delete_bytes += sum(decision.size for decision in decisions if decision.action == "delete")

    def _begun(self, decisions: Sequence[Decision]) -> list[str]:
        """Return the rules that begin in *decisions*; raises `ValueError` if one goes on that had ended."""
        runs = [rule for rule, _ in groupby(decisions, _rule)]
        if runs[:1] == [*islice(reversed(self._rules), 1)]:
            runs = runs[1:]
        for rule, count in Counter(runs).items():
            if count > 1 or rule in self._rules:
                raise ValueError(f"the decisions of the rule {rule!r} do not stand together")
        return runs

    def by_rule(self) -> RuleCounts:
        """Return, for each rule that decided something, how often each action and reason came up, sorted."""
        by_rule: RuleCounts = {}
        for (rule, action, reason), count in sorted(self._by_class.items()):
            by_rule.setdefault(rule, {})[action, reason] = count
        return by_rule

    def totals(self) -> Totals:
        """Return the counts over all rules."""
        by_action: Counter[str] = Counter()
        unreadable = 0
        for (_, action, reason), count in self._by_class.items():
            by_action[action] += count
            unreadable += count if reason == "unreadable" else 0
        return Totals(by_action.total(), by_action["keep"], by_action["delete"], unreadable, self._delete_bytes)

    def check(self, header: Header, summary: Summary) -> None:
        """Raise `ValueError` unless header, summary and decisions tell of the same rules, in one order, and counts."""
        names = [rule.name for rule in header.rules]
        if len(set(names)) != len(names) or names != [rule.name for rule in summary.rules]:
            raise ValueError("header and summary differ in their rules")
        by_rule = self.by_rule()
        if not by_rule.keys() <= set(names):
            raise ValueError("a decision's rule is not in the header")
        if list(self._rules) != [name for name in names if name in by_rule]:
            raise ValueError("the decisions' rules are not in the header's order")
        if impossible := {(action, reason) for _, action, reason in self._by_class} - POSSIBLE:
            raise ValueError(f"no rule can decide: {' '.join(min(impossible))}")
        for rule in summary.rules:
            counted = [(f"{action} {reason}", count) for (action, reason), count in by_rule.get(rule.name, {}).items()]
            if list(rule.counts.items()) != counted:
                raise ValueError(f"the summary's counts of {rule.name!r} are not those of the decisions")
