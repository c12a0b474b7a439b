"""When a label rule's outcome is unsafe: `plan` warns, `apply` refuses, and the only override is the signed spec.

The thresholds follow octoDNS's plan safety (octodns/provider/plan.py: 30 % of the records, from 10 on). The percentage
is taken of what was judged: deletes and `evidence` keeps; unreadable or protected objects must not dilute it. A rule
of 10 objects or more in which fewer than 10 were judged counts its references as well.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labelplan.model.plan import Warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labelplan.model.plan import Action, Reason
    from labelplan.model.spec import Guards

COUNTS_FROM = 10


def breaches(rule: str, guards: Guards, counts: Mapping[tuple[Action, Reason], int]) -> Iterator[Warn]:
    """Yield what the guards of *rule* object to; *counts* are its decisions by action and reason."""
    deletes = sum(count for (action, _), count in counts.items() if action == "delete")
    evidence = counts.get(("keep", "evidence"), 0)
    if not deletes:
        return
    base, what = _base(deletes + evidence, counts.get(("keep", "reference"), 0), sum(counts.values()))
    if base and 100 * deletes / base > guards.max_delete_percent:
        percent = 100 * deletes / base
        yield Warn(
            "guard-percent",
            f"{rule}: would delete {deletes:,} of {base:,} {what} ({percent:.1f} %), "
            f"more than the guard's {guards.max_delete_percent:g} %",
            f"guards: {{max_delete_percent: {min(100, math.floor(percent) + 1)}}}",
        )
    if evidence < guards.min_keep:
        yield Warn(
            "guard-keep",
            f"{rule}: would delete {deletes:,} and keep {evidence:,} by evidence, "
            f"fewer than the guard's {guards.min_keep:,}",
            f"guards: {{min_keep: {evidence}}}",
        )
    if deletes > guards.max_delete_count:
        yield Warn(
            "guard-count",
            f"{rule}: would delete {deletes:,} objects, more than the guard's {guards.max_delete_count:,}",
            f"guards: {{max_delete_count: {deletes}}}",
        )


def _base(judged: int, references: int, total: int) -> tuple[int, str]:
    """Return what the percentage is of, 0 for a rule too small to tell."""
    if judged >= COUNTS_FROM:
        return judged, "judged objects"
    return (judged + references, "judged objects and references") if total >= COUNTS_FROM else (0, "")
