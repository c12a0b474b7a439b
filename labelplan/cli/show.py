"""`labelplan show`."""

from __future__ import annotations

import enum
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, colour, make_app, result
from labelplan.cli.run_argument import RequesterPaysOption, is_run, split_run
from labelplan.cli.show_run import show_run
from labelplan.errors import UsageError
from labelplan.view.plan_json import decision_rows, plan_head
from labelplan.view.plan_text import plan_lines
from labelplan.view.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

app = make_app(COMMANDS["show"])

ROWS_SHOWN = 20
"""Of a rule's deletes, and of its unreadable objects."""


class Format(enum.StrEnum):
    """How a plan or a run is shown."""

    TEXT = "text"
    JSON = "json"


@app.command(epilog="Example: labelplan show deer.plan.json --deletes --rule whitetail-deer")
def show(  # noqa: PLR0913 - a command's options
    what: Annotated[str, typer.Argument(metavar="PLAN | BUCKET/RUN_ID", help="A plan file, or a run.")],
    *,
    form: Annotated[Format, typer.Option("--format", help="text, or json as --json.")] = Format.TEXT,
    deletes: Annotated[bool, typer.Option("--deletes", help="Every delete, and nothing that is kept.")] = False,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this label rule.")] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="OBJECT_KEY", help="Only this object, whatever happens to it.")
    ] = None,
    requester_pays: RequesterPaysOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a plan would do and why: accepted labels, warnings, deletes. Checks its bytes, not its signers.

    Without options: of each rule the first 20 deletes, and the first 20 objects that were unreadable and so are kept.
    --key shows one object, kept or not.

    Or show a run, from its record in the bucket: what was found about the server, how much was deleted, which objects
    were not and why, what undo did. If there is a file of that name, the file is shown.
    """
    if is_run(what) and not Path(what).exists():
        if deletes or rule is not None or key is not None:
            raise UsageError(
                f"{what} is a run: --deletes, --rule and --key are for plans.",
                hint="labelplan show BUCKET/RUN_ID --json has every object that was not deleted, or not brought back.",
            )
        show_run(*split_run(what), requester_pays=requester_pays, as_json=as_json or form is Format.JSON)
        return
    _show_plan(Path(what), deletes=deletes, rule=rule, key=key, as_json=as_json or form is Format.JSON)


def _show_plan(plan: Path, *, deletes: bool, rule: str | None, key: str | None, as_json: bool) -> None:
    from labelplan.planfile.reader import open_plan  # noqa: PLC0415 - help must not wait for the reader

    with open_plan(plan) as opened:
        head = plan_head(opened.header, opened.summary, opened.statement, opened.statement_sha256, opened.signatures)
        head["rules"] = _rules(head["rules"], rule)
        rows = _chosen(decision_rows(opened.decisions()), rule, key)
        if as_json:
            _print_json(head, (row for row in rows if not deletes or row["action"] == "delete"))
            return
        shown = rows if key is not None else (row for row in rows if _to_show(row, deletes=deletes))
        most = None if deletes or key is not None else ROWS_SHOWN
        for line in plan_lines(head, shown, Style(colour()), most=most):
            result(line)


def _to_show(row: dict[str, Any], *, deletes: bool) -> bool:
    return row["action"] == "delete" or (row["reason"] == "unreadable" and not deletes)


def _chosen(rows: Iterable[dict[str, Any]], rule: str | None, key: str | None) -> Iterator[dict[str, Any]]:
    chosen = (row for row in rows if rule in {None, row["rule"]} and key in {None, row["key"]})
    first = next(chosen, None)
    if first is None and key is not None:
        raise UsageError(f"The plan says nothing of an object {key}" + (f" under {rule}." if rule else "."))
    return chosen if first is None else itertools.chain([first], chosen)


def _rules(rules: list[dict[str, Any]], wanted: str | None) -> list[dict[str, Any]]:
    found = [rule for rule in rules if wanted in {None, rule["name"]}]
    if not found:
        names = ", ".join(rule["name"] for rule in rules)
        raise UsageError(f"The plan has no label rule '{wanted}'.", hint=f"It has: {names}")
    return found


def _print_json(head: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    """Print one JSON document, its decisions one a line, without holding them all."""
    result(json.dumps(head, ensure_ascii=False)[:-1] + ', "decisions": [')
    comma = ""
    for row in rows:
        result(comma + json.dumps(row, ensure_ascii=False))
        comma = ","
    result("]}")
