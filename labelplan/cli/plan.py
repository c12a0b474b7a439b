"""`labelplan plan`."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, KeyOption, SignersOption, colour, make_app, result, talk
from labelplan.cli.progress import Progress
from labelplan.errors import CHANGES, DONE, UsageError
from labelplan.model.price import cost
from labelplan.view.plan_text import totals_line, warning_lines
from labelplan.view.style import Style

if TYPE_CHECKING:
    from labelplan.flow.plan import Planned
    from labelplan.flow.survey import Survey

app = make_app(COMMANDS["plan"])


@app.command(epilog="Example: labelplan plan deer.yaml -o deer.plan.json")
def plan(  # noqa: PLR0913 - a command's options
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The spec, a YAML file.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The plan to write; default: SPEC's name with .plan.json.")
    ] = None,
    key: KeyOption = None,
    signers: SignersOption = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 if the plan would delete something.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Label every object that SPEC names, decide, and write a signed plan. Changes nothing in the bucket."""
    path = output or spec.parent / f"{spec.stem}.plan.json"
    _check_output(path)
    planned = _plan(spec, path, key, signers)
    totals = planned.statement.predicate.totals
    if as_json:
        view = {
            "plan": str(path),
            "target": to_builtins(planned.header.target),
            "totals": to_builtins(totals),
            "rules": to_builtins(planned.summary.rules),
        }
        result(json.dumps(view, ensure_ascii=False))
    else:
        _show(planned, path)
    return CHANGES if detailed_exitcode and totals.delete else DONE


def _plan(spec: Path, path: Path, key: str | None, signers: Path | None) -> Planned:
    from labelplan.detect.open import open_detector  # noqa: PLC0415 - help must not wait for what planning needs
    from labelplan.flow.plan import SpecSource, make_plan  # noqa: PLC0415
    from labelplan.planfile.keys import find_signer  # noqa: PLC0415
    from labelplan.planfile.trust import signers_digest  # noqa: PLC0415
    from labelplan.specfile.load import load_spec  # noqa: PLC0415
    from labelplan.specfile.references import read_local_references  # noqa: PLC0415
    from labelplan.store.s3 import open_reader  # noqa: PLC0415

    loaded = load_spec(spec)
    source = SpecSource(loaded.spec, loaded.data, loaded.sha256, read_local_references(loaded))
    signer = find_signer(key, os.environ)
    digest = signers_digest(signers, os.environ, Path.cwd())
    reader = open_reader(loaded.spec.bucket, region=loaded.spec.region, account=loaded.spec.account)
    target = reader.target()
    detector = open_detector(
        loaded.spec.detector,
        bucket=target.bucket,
        region=target.region,
        fetch=reader.fetch,
        max_calls=loaded.spec.max_calls,
        s3_endpoint=target.endpoint,
    )
    with contextlib.closing(detector), Progress("Labelling", "objects") as progress:
        return make_plan(
            source,
            target,
            reader,
            detector,
            signer,
            path,
            now=dt.datetime.now(dt.UTC),
            observer=_Talk(progress, paid=detector.paid),
            signers_sha256=digest,
        )


class _Talk:
    """Tells a person how the plan gets on."""

    def __init__(self, progress: Progress, *, paid: bool) -> None:
        self._progress = progress
        self._paid = paid

    def surveyed(self, found: Survey, calls: int) -> None:
        price = f", about ${cost(calls):,.2f}" if self._paid else ", free of charge"
        talk(f"{found.objects:,} objects; {calls:,} DetectLabels calls{price}")

    def labelled(self, done: int, total: int) -> None:
        self._progress.update(done, total)


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
    style = Style(colour())
    if planned.header.target.versioning != "Enabled":
        bucket, state = planned.header.target.bucket, planned.header.target.versioning
        result(f"{style.yellow('Warning:')} versioning of {bucket} is {state}, so apply will refuse. Turn it on with:")
        result(f"  aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled")
    for rule in planned.summary.rules:
        for line in warning_lines(rule.name, to_builtins(rule.warnings), style):
            result(line)
    result(style.bold(totals_line(to_builtins(planned.statement.predicate.totals))))
    result(f"\nSaved the plan to: {path}")
    result(f"Look at it with:   labelplan show {path}\nApply it with:     labelplan apply {path}")
