"""`labelplan doctor`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelplan.cli.main import COMMANDS
from labelplan.cli.opening import bucket_of, cache_path, caller_of, detector_of, open_own_cache
from labelplan.cli.output import JsonOption, KeyOption, colour, make_app, result
from labelplan.errors import CacheUnusable
from labelplan.view.doctor_text import finding_lines, verdict_line
from labelplan.view.style import Style

if TYPE_CHECKING:
    from labelplan.flow.doctor import Finding, Ports
    from labelplan.model.spec import Spec

app = make_app(COMMANDS["doctor"])


@app.command(epilog="Example: labelplan doctor deer.yaml")
def doctor(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The spec, a YAML file.")],
    *,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check everything that `plan` needs, one row each: spec, key, credentials, bucket, permissions, quota, cache.

    Pays nothing and changes nothing. Goes on after a failure; exits with 0, or with the code of the first failure.
    """
    from labelplan.flow.doctor import diagnose, exit_code  # noqa: PLC0415 - help must not wait for it

    findings: list[Finding] = []
    style = Style(colour())
    for finding in diagnose(_ports(spec, key)):
        findings.append(finding)
        if not as_json:
            for line in finding_lines(asdict(finding), style):
                result(line)
    rows, code = [asdict(finding) for finding in findings], exit_code(findings)
    if as_json:
        result(json.dumps({"spec": str(spec), "exit_code": code, "checks": rows}, ensure_ascii=False))
    else:
        result("\n" + verdict_line(rows, str(spec)))
    return code


def _ports(path: Path, key: str | None) -> Ports:
    from labelplan.flow.doctor import Ports  # noqa: PLC0415 - as above

    return Ports(
        load=lambda: _load(path),
        key=lambda: _key(key),
        cache=_cache,
        who=caller_of,
        reader=bucket_of,
        detector=detector_of,
    )


def _load(path: Path) -> Spec:
    from labelplan.specfile.load import load_spec  # noqa: PLC0415 - as above
    from labelplan.specfile.references import read_local_references  # noqa: PLC0415 - as above

    loaded = load_spec(path)
    read_local_references(loaded)
    return loaded.spec


def _key(key: str | None) -> str:
    from labelplan.planfile.keys import find_signer, key_path  # noqa: PLC0415 - as above

    return f"{key_path(key, os.environ)} ({find_signer(key, os.environ).keyid})"


def _cache() -> str:
    """Say what the cache holds, without making one."""
    path = cache_path()
    if path.exists():
        with open_own_cache() as cache:
            return f"{path}: {cache.stats().answers:,} answers"
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise CacheUnusable(f"{path} cannot be made: {there} may not be written to.")
    return f"{path}: not there yet, made by the first plan"
