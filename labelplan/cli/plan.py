"""`labelplan plan`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from labelplan.cli.events import JsonEvents, estimated, say
from labelplan.cli.interrupt import interruptible
from labelplan.cli.main import COMMANDS
from labelplan.cli.output import KeyOption, SignersOption, TrustOwnKeyOption, colour, make_app, result
from labelplan.cli.plan_job import Asked, Limits, open_job
from labelplan.cli.plan_options import (
    EXAMPLES,
    EstimateOption,
    EventsOption,
    ExitCodeOption,
    FromOption,
    MaxCallsOption,
    MaxUsdOption,
    OutputOption,
    RuleOption,
    SampleOption,
    SpecArgument,
    TpsOption,
)
from labelplan.cli.progress import LiveLine, PlanProgress
from labelplan.errors import CHANGES, DONE, UsageError
from labelplan.view.estimate_text import estimate_lines
from labelplan.view.plan_text import totals_line, warning_lines
from labelplan.view.style import Style, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.cli.plan_job import Job
    from labelplan.flow.plan import Planned

app = make_app(COMMANDS["plan"])


@app.command(epilog=EXAMPLES)
def plan(  # noqa: PLR0913 - a command's options
    spec: SpecArgument,
    *,
    output: OutputOption = None,
    estimate: EstimateOption = False,
    max_usd: MaxUsdOption = None,
    max_calls: MaxCallsOption = None,
    tps: TpsOption = None,
    earlier: FromOption = None,
    rule: RuleOption = None,
    sample: SampleOption = None,
    key: KeyOption = None,
    signers: SignersOption = None,
    trust_own_key: TrustOwnKeyOption = False,
    detailed_exitcode: ExitCodeOption = False,
    as_json: EventsOption = False,
) -> int:
    """Label every object that SPEC names, decide, and write a signed plan. Changes nothing in the bucket.

    Every answer is kept on this machine as it comes (labelplan cache stats), so that none is paid twice: after an
    interruption, or with other thresholds, the same command asks only for what is missing. It exits with 3 if the
    service was too busy to answer for everything, and with 9 if the budget is too small. A budget is that of one run:
    the same command again has all of it afresh.
    """
    limits = Limits(max_usd, max_calls, tps)
    limits.check()
    if sample is not None and sample < 1:
        raise UsageError(f"--sample {sample} would show nothing.", hint="Give a number from 1 on, such as --sample 20")
    asked = Asked(spec, limits, tuple(earlier or ()), tuple(rule or ()), sample, key, signers, trust_own_key)
    if estimate:
        return _estimate(asked, as_json=as_json)
    path = output or spec.parent / f"{spec.stem}{'.partial' * bool(rule or sample)}.plan.json"
    _check_output(path)
    planned = _plan(asked, path, as_json=as_json)
    if as_json:
        say(_view(planned, path))
    else:
        _show(planned, path)
    return CHANGES if detailed_exitcode and planned.statement.predicate.totals.delete else DONE


def _estimate(asked: Asked, *, as_json: bool) -> int:
    with _opened(asked, signing=False, as_json=as_json) as (job, told):
        event = estimated(job.estimate(told), job.source.spec.max_calls)
    if as_json:
        say(event)
    else:
        for line in estimate_lines(event):
            result(line)
    return DONE


def _plan(asked: Asked, path: Path, *, as_json: bool) -> Planned:
    with _opened(asked, signing=True, as_json=as_json) as (job, told):
        return job.make(path, told)


@contextlib.contextmanager
def _opened(asked: Asked, *, signing: bool, as_json: bool) -> Iterator[tuple[Job, JsonEvents | PlanProgress]]:
    """Open the job and who tells of it, and take the answers of earlier plans."""
    with interruptible(), LiveLine() as line, open_job(asked, signing=signing) as job:
        most = job.source.spec.max_calls
        told = JsonEvents(most) if as_json else PlanProgress(line, most)
        for old, answers in job.take_earlier():
            told.took(old, answers)
        yield job, told


def _view(planned: Planned, path: Path) -> dict[str, Any]:
    return {
        "type": "planned",
        "plan": str(path),
        "partial": planned.header.partial,
        "target": to_builtins(planned.header.target),
        "totals": to_builtins(planned.statement.predicate.totals),
        "rules": to_builtins(planned.summary.rules),
    }


def _check_output(path: Path) -> None:
    """Refuse, before anything is paid, a name that cannot be written or that holds something other than a plan."""
    if path.suffix == ".zst":
        raise UsageError(f"{path}: compressed plans are not supported yet.", hint="Leave .zst out.")
    if not path.name or not os.access(path.parent, os.W_OK):
        raise UsageError(f"Cannot write {path}: its folder is not there, or may not be written to.")
    if os.path.lexists(path):
        if not path.is_file():
            raise UsageError(f"Cannot write {path}: it is not a file.")
        with path.open("rb") as there:
            if not there.read(26).startswith(b'{"format":"labelplan/plan/'):
                raise UsageError(f"{path} exists and is not a plan; it is left alone.", hint="Choose another name: -o")


def _show(planned: Planned, path: Path) -> None:
    from labelplan.flow.recheck import spec_of  # noqa: PLC0415 - help must not wait for it

    style, partial = Style(colour()), planned.header.partial
    target = planned.header.target
    if target.versioning != "Enabled" and not partial and spec_of(planned.header).backup.mode == "versioning":
        bucket, state = target.bucket, target.versioning
        result(f"{style.yellow('Warning:')} versioning of {bucket} is {state}, so apply will refuse. Turn it on with:")
        result(f"  aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled")
    for rule in planned.summary.rules:
        for line in warning_lines(rule.name, to_builtins(rule.warnings), style):
            result(line)
    result(style.bold(totals_line(to_builtins(planned.statement.predicate.totals))))
    result(f"\nSaved the plan to: {path}\nLook at it with:   labelplan show {path}")
    if partial:
        result(f"A partial plan ({printable(partial)}): it shows, and never applies.")
    else:
        result(f"Apply it with:     labelplan apply {path}")
