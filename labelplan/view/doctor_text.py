"""The table that `doctor` prints, rendered from its JSON view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from labelplan.view.style import Style

_CHECK, _STATE = 14, 9
"""Widths of the columns."""

OF_APPLY = frozenset(
    {
        "MFA delete",
        "bucket policy",
        "bulk deletes",
        "copy source",
        "copy target",
        "lifecycle",
        "lock",
        "probe",
        "records",
        "replication",
        "single deletes",
        "strategy",
        "tags",
        "versioning",
    }
)
"""The checks of what a plan does not need."""


def finding_lines(finding: Mapping[str, Any], style: Style) -> Iterator[str]:
    """Yield a row: check, state, detail; what goes over one line and what to do stand below the detail."""
    first, *more = finding["detail"].split("\n")
    paint = {"ok": style.green, "warning": style.yellow, "failed": style.red}[finding["state"]]
    state = paint(finding["state"]) + " " * (_STATE - len(finding["state"]))
    yield f"{finding['check']:<{_CHECK}} {state}{printable(first)}"
    below = " " * (_CHECK + 1 + _STATE)
    for line in more:
        yield below + printable(line.strip())
    for line in filter(None, finding["todo"].split("\n")):
        yield f"{below}{style.bold('→')} {printable(line)}"


def verdict_line(findings: Iterable[Mapping[str, Any]], spec: str) -> str:
    """Say what it all comes to."""
    rows = list(findings)
    failed = sum(1 for row in rows if row["state"] == "failed")
    warned = [row["check"] in OF_APPLY for row in rows if row["state"] == "warning"]
    told = f"{failed} failed, " * bool(failed) + f"{len(warned)} warning{'s' * (len(warned) != 1)}"
    if any(warned):
        told += " (about apply)" if all(warned) else f" ({sum(warned)} about apply)"
    if failed:
        return f"A plan would not work yet: {told}."
    return f"A plan would work: {told}. What it would cost: labelplan plan {printable(spec)} --estimate"
