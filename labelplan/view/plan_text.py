"""The text view of a plan, rendered from the JSON view: what proves each class, what goes and why, what to check."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from labelplan.view.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from labelplan.view.style import Style

ACCEPTED_SHOWN = 8
GIVEN_SHOWN = 5

CUT = {"delete": "deletes (all of them: --deletes)", "unreadable": "unreadable ones (all of them: --json)"}


def plan_lines(
    head: dict[str, Any], rows: Iterable[dict[str, Any]], style: Style, *, most: int | None
) -> Iterator[str]:
    """Yield the lines of a plan; *rows* are the decisions to show, in the plan's order.

    At most *most* deletes a rule, and as many unreadable objects; with None all of them. A row whose rule is not where
    the head has it is shown all the same.
    """
    yield from _head_lines(head, style)
    groups = groupby(rows, itemgetter("rule"))
    name, group = next(groups, (None, ()))
    for rule in head["rules"]:
        yield ""
        yield from _rule_lines(rule, style)
        if name == rule["name"]:
            yield from _row_lines(group, style, most)
            name, group = next(groups, (None, ()))
    while name is not None:
        yield ""
        yield f"{style.yellow('Warning:')} out of its place, under the label rule {printable(name)}:"
        yield from _row_lines(group, style, most)
        name, group = next(groups, (None, ()))
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
            where = "into the spec" if warning["write"].startswith("detector:") else f"under labels.{printable(rule)}"
            yield f"           write {where}:  {printable(warning['write'])}"


def _head_lines(head: dict[str, Any], style: Style) -> Iterator[str]:
    target, detector = head["target"], head["detector"]
    where = ", ".join(filter(None, [target["region"], target["account"] and f"account {target['account']}"]))
    yield (
        style.bold(printable(f"s3://{target['bucket']}"))
        + f"  ({printable(where)})"
        + (f" at {printable(target['endpoint'])}" * bool(target["endpoint"]))
    )
    if target["versioning"] != "Enabled" and head["backup"] == "versioning":
        yield (
            style.yellow("Warning:")
            + f" versioning was {target['versioning']}: nothing could be brought back, apply refuses"
        )
    model = detector["model_version"] or "no references"
    yield f"labelled by {detector['service']} ({printable(model)}), made with {printable(head['tool'])}"
    yield f"created {head['created']}, expires {head['expires']}" + (
        f", partial: {printable(head['partial'])}" * bool(head["partial"])
    )
    signed = printable(", ".join(head["signed_by"]) or "nobody")
    yield f"signed by {signed} (labelplan verify says whether to trust it)"


def _rule_lines(rule: dict[str, Any], style: Style) -> Iterator[str]:
    counts = ", ".join(f"{count:,} {name}" for name, count in rule["counts"].items())
    yield style.bold(printable(rule["name"])) + f": {counts or 'no objects'}"
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
    return f"{printable(accepted['label']):<24} > {accepted['threshold']:g}  from {source}{shares}"


def _row_lines(rows: Iterable[dict[str, Any]], style: Style, most: int | None) -> Iterator[str]:
    """Yield a rule's rows, at most *most* of each kind, and how many more there are."""
    seen: Counter[str] = Counter()
    for row in rows:
        kind = "unreadable" if row["reason"] == "unreadable" else row["action"]
        seen[kind] += 1
        if most is None or seen[kind] <= most:
            yield _row_line(row, style)
    for kind, words in CUT.items():
        if most is not None and seen[kind] > most:
            yield f"    … and {seen[kind] - most:,} more {words}"


def _row_line(row: dict[str, Any], style: Style) -> str:
    mark = style.red("- delete") if row["action"] == "delete" else style.green("  keep  ")
    return f"  {mark}  {printable(row['key'])}  {row['reason']}{_because(row)}"


def _because(row: dict[str, Any]) -> str:
    """Say why, in a few words: the deciding labels, or what the answer showed instead, or the error."""
    if row["error"]:
        return f": {printable(row['error']['code'])}: {printable(row['error']['message'])}"
    shown = ", ".join(f"{printable(name)} {confidence:g}" for name, confidence in row["shown"])
    if row["labels"]:
        return f": {', '.join(map(printable, row['labels']))}" + (
            f"  (shows {shown})" if row["action"] == "delete" else ""
        )
    return f"  (shows {shown or 'nothing'})" if row["shown"] or row["reason"] == "no-evidence" else ""
