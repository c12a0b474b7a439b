"""`labelplan validate`: check specs on this machine alone, and say everything that is wrong with all of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from labelplan.cli.output import JsonOption, make_app, result
from labelplan.errors import DONE, Problem, SpecError, UsageError
from labelplan.rules.advice import few_references

if TYPE_CHECKING:
    from labelplan.model.plan import Warn
    from labelplan.model.spec import Spec

app = make_app("Check specs without the network")


@dataclass(frozen=True)
class _Report:
    """What is to be said of one file: a *summary* if it is valid, else its *problems*."""

    file: str
    summary: str = ""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[tuple[Problem, Warn], ...] = ()


@app.command()
def validate(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC", help="Spec files (YAML).", show_default=False)],
    *,
    as_json: JsonOption = False,
) -> int:
    """Check specs without the network: syntax, names, limits, contradictions, local reference files.

    Prints every mistake of every file as FILE:LINE:COLUMN: what to change. Exits with 4 if there is one.

    \b
    Examples:
      labelplan validate deer.yaml
      labelplan validate specs/*.yaml --json
    """  # noqa: D301 - \b keeps the lines of the examples apart
    reports = [_report(file) for file in specs]
    if as_json:
        result(json.dumps({"specs": [_as_json(report) for report in reports]}, ensure_ascii=False, indent=2))
    else:
        result("\n".join(line for report in reports for line in _lines(report)))
    return UsageError.exit_code if any(report.problems for report in reports) else DONE


def _report(file: str) -> _Report:
    from labelplan.specfile.load import load_spec  # noqa: PLC0415 - the help needs no YAML
    from labelplan.specfile.references import read_local_references  # noqa: PLC0415 - as above

    try:
        loaded = load_spec(file)
        read_local_references(loaded)
    except SpecError as error:
        return _Report(file, problems=error.problems)
    except UsageError as error:
        return _Report(file, problems=(Problem(file, 1, 1, "", error.what.removeprefix(f"{file}: ")),))
    warnings = tuple(
        (loaded.problem(("labels", rule.name, "references"), warning.message), warning)
        for rule in loaded.spec.rules
        for warning in few_references(rule)
    )
    return _Report(file, summary=_summary(loaded.spec), warnings=warnings)


def _summary(spec: Spec) -> str:
    references = sum(len(rule.references) for rule in spec.rules)
    budget = "no budget" if spec.max_calls is None else f"budget {spec.max_calls:,} calls"
    return (
        f"{_count(len(spec.rules), 'label rule')}, {_count(references, 'reference')}, bucket {spec.bucket}, "
        f"detector {spec.detector.service}, {budget}"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _lines(report: _Report) -> list[str]:
    if report.problems:
        return [*map(str, report.problems), f"{report.file}: not valid: {_count(len(report.problems), 'problem')}"]
    warnings = [f"{at.file}:{at.line}:{at.column}: warning: {at.message}" for at, _ in report.warnings]
    return [f"{report.file}: valid: {report.summary}", *warnings]


def _as_json(report: _Report) -> dict[str, object]:
    return {
        "file": report.file,
        "valid": not report.problems,
        "problems": [asdict(problem) for problem in report.problems],
        "warnings": [{**asdict(at), "code": warning.code, "write": warning.write} for at, warning in report.warnings],
    }
