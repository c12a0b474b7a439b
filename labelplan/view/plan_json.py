"""The JSON view of a plan: what `show --json` prints, and what the text view is rendered from, so that they agree.

Decisions come as a stream of rows; a plan of a million of them is shown in bounded memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, json, to_builtins

from labelplan.errors import PlanCorrupt
from labelplan.model.response import decode_response
from labelplan.model.spec import Backup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from labelplan.model.plan import Decision, Header, Signature, Statement, Summary

VERSION = "labelplan/show/1"
TOP = 5
"""How many of an answer's labels a row carries."""


class _Spec(Struct, frozen=True):
    """What is shown of a plan's spec."""

    backup: Backup = Backup()


def plan_head(
    header: Header, summary: Summary, statement: Statement, statement_sha256: str, signatures: Iterable[Signature]
) -> dict[str, Any]:
    """Return all of the view but the decisions: target, times, totals, and each rule with its accepted labels."""
    shares = {rule.name: {share.label: share for share in rule.accepted} for rule in summary.rules}
    outcome = {rule.name: rule for rule in summary.rules}
    return {
        "format": VERSION,
        "tool": header.tool,
        "target": to_builtins(header.target),
        "backup": _backup_mode(header),
        "detector": to_builtins(header.detector),
        "created": header.created.isoformat(),
        "expires": header.expires.isoformat(),
        "partial": header.partial,
        "statement_sha256": statement_sha256,
        "signed_by": [signature.keyid for signature in signatures],
        "totals": to_builtins(statement.predicate.totals),
        "rules": [
            {
                "name": rule.name,
                "references": [r.file if r.key is UNSET else r.key for r in rule.references],
                "accepted": [
                    to_builtins(accepted)
                    | {
                        "share": shares[rule.name][accepted.label].share,
                        "share_elsewhere": shares[rule.name][accepted.label].share_elsewhere,
                    }
                    for accepted in rule.accepted
                ],
                "counts": outcome[rule.name].counts,
                "warnings": to_builtins(outcome[rule.name].warnings),
            }
            for rule in header.rules
        ],
    }


def _backup_mode(header: Header) -> str:
    """Return which way back the plan's spec asks for."""
    try:
        return json.decode(header.spec, type=_Spec).backup.mode
    except (ValueError, RecursionError) as error:
        raise PlanCorrupt(f"The spec in the plan cannot be read: {error}") from None


def decision_rows(decisions: Iterable[Decision]) -> Iterator[dict[str, Any]]:
    """Turn decisions into rows: what is decided, why, and the answer's strongest labels as [name, confidence].

    Raises `PlanCorrupt` at an answer that is none.
    """
    for decision in decisions:
        yield {
            "key": decision.key,
            "version_id": decision.version_id,
            "etag": decision.etag,
            "size": decision.size,
            "rule": decision.rule,
            "action": decision.action,
            "reason": decision.reason,
            "labels": list(decision.labels),
            "shown": _strongest(decision),
            "error": None if decision.error is UNSET else to_builtins(decision.error),
        }


def _strongest(decision: Decision) -> list[list[str | float]]:
    if decision.response is UNSET:
        return []
    try:
        labels = decode_response(bytes(decision.response)).Labels
    except ValueError as error:
        raise PlanCorrupt(f"{decision.key!r}: its answer in the plan cannot be read: {error}.") from None
    return [[label.Name, round(label.Confidence, 1)] for label in labels[:TOP]]
