"""`labelplan doctor`."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
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
    from labelplan.flow.doctor import Ports
    from labelplan.flow.finding import Finding
    from labelplan.model.run import Capabilities
    from labelplan.model.spec import Spec
    from labelplan.store.interface import Reader

app = make_app(COMMANDS["doctor"])

COUNTED_BYTES = 50_000_000
"""A larger cache is not counted: that takes seconds."""


@app.command(epilog="Example: labelplan doctor deer.yaml")
def doctor(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The spec, a YAML file.")],
    *,
    key: KeyOption = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Write canary objects, to see which conditions the server honours.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Check everything that `plan` needs, one row each: spec, key, credentials, bucket, permissions, quota, cache.

    Also what only `apply` needs: versioning, lifecycle rules, replication, and with --probe how it would delete and
    lock. These rows warn and never fail, since a plan works without them; the last line counts them by themselves.

    Labels no image and changes nothing, unless --probe is given; Rekognition is asked about one byte that is no image.
    Goes on after a failure; exits with 0, or with the code of the first failure.
    """
    from labelplan.flow.doctor import diagnose, exit_code  # noqa: PLC0415 - help must not wait for it

    findings: list[Finding] = []
    style = Style(colour())
    for finding in diagnose(_ports(spec, key, probe=probe)):
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


def _ports(path: Path, key: str | None, *, probe: bool) -> Ports:
    from labelplan.flow.doctor import Ports  # noqa: PLC0415 - as above

    return Ports(
        load=lambda: _load(path),
        key=lambda: _key(key),
        cache=_cache,
        who=caller_of,
        reader=bucket_of,
        detector=detector_of,
        copies=_copies,
        now=lambda: dt.datetime.now(dt.UTC),
        probe=_probe if probe else None,
    )


def _copies(spec: Spec) -> Reader | None:
    """Open the bucket for copies, if it is another than the spec's."""
    from labelplan.store.s3 import open_reader  # noqa: PLC0415 - as above

    backup = spec.backup
    if backup.bucket in {None, spec.bucket}:
        return None
    region, account = backup.region or spec.region, backup.account or spec.account
    return open_reader(backup.bucket, region=region, account=account, requester_pays=spec.requester_pays)


def _probe(spec: Spec) -> Capabilities:
    from labelplan.store.s3 import open_writer  # noqa: PLC0415 - as above

    writer = open_writer(spec.bucket, region=spec.region, account=spec.account, requester_pays=spec.requester_pays)
    return writer.probe()


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
    """Say what the cache holds, or that one could be made, without making it."""
    path = cache_path()
    try:
        if path.exists():
            return f"{path}: {_held(path)}"
        there = next(folder for folder in path.absolute().parents if folder.exists())
        with tempfile.TemporaryDirectory(dir=there, prefix=".labelplan-") as made:
            (Path(made) / path.name).write_bytes(b"\0")
    except OSError as error:
        raise CacheUnusable(f"The cache of answers {path} cannot be used: {error.strerror or error}.") from None
    return f"{path}: not there yet, made by the first plan"


def _held(path: Path) -> str:
    """Open the cache, and count what is in it if that takes no time."""
    with open_own_cache() as cache:
        size = path.stat().st_size
        return f"{cache.stats().answers:,} answers" if size <= COUNTED_BYTES else f"{size / 1_000_000:,.0f} MB"
