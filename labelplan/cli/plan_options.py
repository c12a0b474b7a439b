"""The options that only `plan` has, and how they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="The spec, a YAML file.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="The plan to write; default: SPEC's name with .plan.json.")
]
EstimateOption = Annotated[
    bool, typer.Option("--estimate", help="Say what it would take, and stop; pays nothing, writes no plan.")
]
MaxUsdOption = Annotated[
    float | None,
    typer.Option("--max-usd", help="Pay at most so many dollars in this run, and no more than the spec's budget."),
]
MaxCallsOption = Annotated[
    int | None, typer.Option("--max-calls", help="Make at most so many paid calls in this run, retries among them.")
]
TpsOption = Annotated[
    float | None, typer.Option("--tps", help="DetectLabels calls a second; default: the spec's, the account's quota.")
]
FromOption = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="OLD_PLAN", help="Take the answers of an earlier, trusted plan; may be repeated."),
]
RuleOption = Annotated[
    list[str] | None, typer.Option("--rule", help="Only this label rule; may be repeated. The plan never applies.")
]
SampleOption = Annotated[
    int | None, typer.Option("--sample", help="Only so many objects of each prefix. The plan never applies.")
]
ExitCodeOption = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit with 2 if the plan would delete something.")
]
EventsOption = Annotated[bool, typer.Option("--json", help="Print events as JSON, one object a line, the plan last.")]

EXAMPLES = """\b
Examples:
  labelplan plan deer.yaml -o deer.plan.json
  labelplan plan deer.yaml --estimate
  labelplan plan deer.yaml --sample 20 --max-usd 1
  labelplan plan deer.yaml --from colleague.plan.json
"""
