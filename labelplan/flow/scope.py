"""Which part of a spec a plan is for: all of it, some label rules, or a sample of each prefix to try it on."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelplan.errors import UsageError

if TYPE_CHECKING:
    from labelplan.model.spec import LabelRule, Spec


@dataclass(frozen=True)
class Scope:
    """*rules*: names of label rules, empty for all; *sample*: at most so many objects of each prefix, None for all."""

    rules: tuple[str, ...] = ()
    sample: int | None = None

    @property
    def partial(self) -> str:
        """Say what the plan is restricted to, as its header does; empty for a whole plan."""
        parts = []
        if self.rules:
            parts.append(f"{len(self.rules)} of the label rules" if len(self.rules) > 1 else f"rule {self.rules[0]}")
        if self.sample is not None:
            parts.append(f"a sample of {self.sample:,} objects of each prefix")
        return ", ".join(parts)

    def chosen(self, spec: Spec) -> list[LabelRule]:
        """Return the spec's rules that are in it, in the spec's order; raises `UsageError` for an unknown one."""
        names = [rule.name for rule in spec.rules]
        for name in self.rules:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                meant = f"did you mean '{near[0]}'?" if near else f"it has: {', '.join(names[:20])}"
                raise UsageError(f"The spec has no label rule '{name}'; {meant}")
        return [rule for rule in spec.rules if not self.rules or rule.name in self.rules]


EVERYTHING = Scope()
