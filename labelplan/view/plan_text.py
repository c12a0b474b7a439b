"""The text view of a plan, rendered from the JSON view: what proves each class, what goes and why, what to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from labelplan.view.style import Style

ACCEPTED_SHOWN = 8
GIVEN_SHOWN = 5


def plan_lines(
    head: dict[str, Any], rows: Iterable[dict[str, Any]], style: Style, *, most: int | None
) -> Iterator[str]:
    """Yield the lines of a plan; *rows* are the decisions to show, in the plan's order, at most *most* a rule."""
    yield from _head_lines(head, style)
    stream = iter(rows)
    row = next(stream, None)
    for rule in head["rules"]:
        yield ""
        yield from _rule_lines(rule, style)
        shown = 0
        while row is not None and row["rule"] == rule["name"]:
            if most is None or shown < most:
                yield _row_line(row, style)
            shown += 1
            row = next(stream, None)
        if most is not None and shown > most:
            yield f"    … and {shown - most:,} more (all of them: --deletes)"
    yield ""
    yield style.bold(totals_line(head["totals"]))


def totals_line(totals: dict[str, int]) -> str:
    """Return Terraform's line: `Plan: 13 to delete, 45 to keep, 0 unreadable.`."""
    return (
        f"Plan: {totals['delete']:,} to delete, {totals['keep'] - totals['unreadable']:,} to keep, "
        f"{totals['unreadable']:,} unreadable."
    )


def warning_lines(rule: str, warnings: Iterable[dict[str, str]], style: Style) -> Iterator[str]:
    """Yield a rule's warnings, each with the line to write into the spec."""
    for warning in warnings:
        yield f"  {style.yellow('Warning:')} {printable(warning['message'])}"
        if warning["write"]:
            where = "into the spec" if warning["write"].startswith("detector:") else f"under labels.{rule}"
            yield f"           write {where}:  {warning['write']}"


def _head_lines(head: dict[str, Any], style: Style) -> Iterator[str]:
    target, detector = head["target"], head["detector"]
    where = ", ".join(filter(None, [target["region"], target["account"] and f"account {target['account']}"]))
    yield (
        style.bold(f"s3://{target['bucket']}")
        + f"  ({where})"
        + (f" at {target['endpoint']}" * bool(target["endpoint"]))
    )
    if target["versioning"] != "Enabled":
        yield (
            style.yellow("Warning:")
            + f" versioning was {target['versioning']}: nothing could be brought back, apply refuses"
        )
    model = detector["model_version"] or "no references"
    yield f"labelled by {detector['service']} ({model}), made with {head['tool']}"
    yield f"created {head['created']}, expires {head['expires']}" + (
        f", partial: {head['partial']}" * bool(head["partial"])
    )
    yield f"signed by {', '.join(head['signed_by']) or 'nobody'} (labelplan verify says whether to trust it)"


def _rule_lines(rule: dict[str, Any], style: Style) -> Iterator[str]:
    counts = ", ".join(f"{count:,} {name}" for name, count in rule["counts"].items())
    yield style.bold(rule["name"]) + f": {counts or 'no objects'}"
    for accepted in rule["accepted"][:ACCEPTED_SHOWN]:
        yield f"    {_accepted_line(accepted)}"
    if len(rule["accepted"]) > ACCEPTED_SHOWN:
        yield style.dim(
            f"    … and {len(rule['accepted']) - ACCEPTED_SHOWN} more accepted labels (all of them: --json)"
        )
    yield from warning_lines(rule["name"], rule["warnings"], style)


def _accepted_line(accepted: dict[str, Any]) -> str:
    """Say of an accepted label who gave it, how surely, and how much it lets through here and elsewhere."""
    given = [
        f"{printable(name.rpartition('/')[2])} {confidence:.1f}"
        for name, confidence in zip(accepted["references"], accepted["confidence"], strict=True)
    ]
    more = f" and {len(given) - GIVEN_SHOWN} more" if len(given) > GIVEN_SHOWN else ""
    source = ", ".join(given[:GIVEN_SHOWN]) + more if given else "the spec"
    share, elsewhere = accepted["share"], accepted["share_elsewhere"]
    shares = "" if share is None else f"; accepts {share:g} % here"
    shares += "" if elsewhere is None else f", {elsewhere:g} % elsewhere"
    return f"{accepted['label']:<24} > {accepted['threshold']:g}  from {source}{shares}"


def _row_line(row: dict[str, Any], style: Style) -> str:
    mark = style.red("- delete") if row["action"] == "delete" else style.green("  keep  ")
    return f"  {mark}  {printable(row['key'])}  {row['reason']}{_because(row)}"


def _because(row: dict[str, Any]) -> str:
    """Say why, in a few words: the deciding labels, or what the answer showed instead, or the error."""
    if row["error"]:
        return f": {row['error']['code']}: {printable(row['error']['message'])}"
    shown = ", ".join(f"{name} {confidence:g}" for name, confidence in row["shown"])
    if row["labels"]:
        return f": {', '.join(row['labels'])}" + (f"  (shows {shown})" if row["action"] == "delete" else "")
    return f"  (shows {shown or 'nothing'})" if row["shown"] or row["reason"] == "no-evidence" else ""
