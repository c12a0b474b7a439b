"""Counting while the objects go by: reasons per rule, how common each accepted label is, which names were shown.

Memory is bounded by the number of label names, not of objects.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from labelplan.model.plan import AcceptedShare
from labelplan.model.response import Answered, Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.plan import Action, Reason
    from labelplan.model.response import Answer, Response
    from labelplan.rules.decide import Judge, Verdict


SEVERAL = 3
"""So many objects that show the same thing are more than chance."""


class Tally:
    """The running counts of one plan; *judges* are its rules, by position."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        """Start at zero."""
        self.counts: list[Counter[tuple[Action, Reason]]] = [Counter() for _ in judges]
        self.seen: set[str] = set()
        self.errors: Counter[str] = Counter()
        self._judges = judges
        self._labelled: list[int] = [0] * len(judges)
        self._carriers: list[dict[str, list[int]]] = [{} for _ in judges]
        self._spoken = [
            frozenset(graded.label for graded in (*judge.rule.ignore, *judge.rule.exclude)) for judge in judges
        ]
        self._missed: list[Counter[str]] = [Counter() for _ in judges]
        self._depth: dict[str, int] = {}
        self._asking: dict[str, set[int]] = defaultdict(set)
        # rules that accept a label above the same threshold share the count: with hundreds of them it is made once
        self._counts: dict[str, dict[float, list[int]]] = defaultdict(dict)
        for position, judge in enumerate(judges):
            for accepted in judge.accepted:
                self._asking[accepted.label].add(position)
                shared = self._counts[accepted.label].setdefault(accepted.threshold, [0] * len(judges))
                self._carriers[position][accepted.label] = shared

    def saw(self, response: Response) -> None:
        """Remember the names that an answer knows; also for the references' answers."""
        for label in response.Labels:
            self.seen.add(label.Name)
            self.seen.update(alias.Name for alias in label.Aliases)

    def add(self, position: int, verdict: Verdict, answer: Answer | None) -> None:
        """Count one object of the rule at *position*."""
        self.counts[position][verdict.action, verdict.reason] += 1
        if isinstance(answer, Unreadable):
            self.errors[answer.code] += 1
        if not isinstance(answer, Answered):
            return
        names = answer.names
        self.seen.update(names)
        self._labelled[position] += 1
        if verdict.reason == "no-evidence":
            self._miss(position, answer.response)
        for name in names.keys() & self._counts.keys():
            for threshold, carriers in self._counts[name].items():
                if names[name].Confidence > threshold:
                    carriers[position] += 1

    def missed(self, position: int) -> tuple[str, int]:
        """Return the label that most objects without evidence share under a rule, the most specific one, and how many.

        Labels that another rule accepts are left out: such objects are probably filed in the wrong folder.
        """
        elsewhere = {name for name, asking in self._asking.items() if asking - {position}}
        shared = {name: count for name, count in self._missed[position].items() if name not in elsewhere}

        def telling(name: str) -> tuple[bool, int, int, str]:
            """Put what has something above it in the label tree before its tops, then the commonest, the deepest."""
            return self._depth[name] > 0 and shared[name] >= SEVERAL, shared[name], self._depth[name], name

        best = max(shared, key=telling, default="")
        return best, shared.get(best, 0)

    def _miss(self, position: int, response: Response) -> None:
        threshold, spoken, missed = (
            self._judges[position].rule.threshold,
            self._spoken[position],
            self._missed[position],
        )
        for label in response.Labels:
            name = label.Name
            if label.Confidence > threshold and name not in spoken:
                missed[name] += 1
                if len(label.Parents) > self._depth.get(name, -1):
                    self._depth[name] = len(label.Parents)

    @property
    def labelled(self) -> int:
        """How many objects have been answered."""
        return sum(self._labelled)

    def shares(self, position: int) -> tuple[AcceptedShare, ...]:
        """Return how common each accepted label of a rule is, in percent of the labelled objects here and elsewhere."""
        here, everywhere = self._labelled[position], self.labelled
        return tuple(
            AcceptedShare(label, _percent(by[position], here), _percent(sum(by) - by[position], everywhere - here))
            for label, by in self._carriers[position].items()
        )

    def bucket_share(self, position: int, label: str) -> float:
        """Return the percent of all labelled objects, whatever their rule, that *label* would accept."""
        return _percent(sum(self._carriers[position][label]), sum(self._labelled)) or 0.0


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
