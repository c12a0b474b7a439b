"""How fast `labelplan apply` and `labelplan undo` are beside `s5cmd rm`, and copies beside bare `copy_object`.

The real commands, each a process of its own, with all their checks, on SeaweedFS and on the simulator of S3 in memory
(tests/simulators/s3). Before every round the bucket is the same: all objects there, versioning on. Figures: objects a
second of the whole command, and the client's CPU for 1,000 keys. With `--memory`, the peak memory of an apply and an
undo of a tenth of so many objects, and of all, on the simulator.

    make test-servers        once: installs SeaweedFS and s5cmd beside the project
    python benchmarks/apply.py [--objects 20000] [--copies 4000] [--rounds 2] [--servers simulator seaweedfs]
                               [--memory 1000000]

Not measured: AWS. Server and client share this machine's cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers import running  # noqa: E402 - found there only now
from tests.simulators.s3 import running as simulator  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX, REGION, KEY = "images/car/", "us-east-1", running.KEY
THREADS = 16
CAR = b'{"Labels":[{"Name":"Car","Confidence":99.1,"Instances":[],"Parents":[]}],"LabelModelVersion":"3.0"}'


class Took(NamedTuple):
    """One process: seconds of wall time and of CPU, and peak memory in MB."""

    wall: float
    cpu: float
    peak: float


def main() -> None:
    """Measure what the command line asks for, or do one step of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--copies", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--servers", nargs="*", default=["simulator", "seaweedfs"])
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, *arguments = options.step
        STEPS[name](*arguments)
        return
    for name in options.servers:
        with server(name) as url, environment(url):
            versions(name, options.objects, options.rounds)
            copies(name, options.copies, options.rounds)
    if options.memory:
        memory(options.memory)


@contextlib.contextmanager
def server(name: str) -> Iterator[str]:
    """Run a server; yield its URL."""
    if name == "simulator":
        with simulator.running(only_count=True) as simulated:
            yield simulated.url
    else:
        with running.seaweedfs() as real:
            yield real.url


@contextlib.contextmanager
def environment(url: str) -> Iterator[None]:
    """Point every process at the server, with a key to sign with."""
    with tempfile.TemporaryDirectory(prefix="labelplan-bench-") as folder:
        own = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": url,
            "S3_ENDPOINT_URL": url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LABELPLAN_KEY": f"{folder}/key",
            "LABELPLAN_TRUST_OWN_KEY": "1",
            "BENCH_FOLDER": folder,
        }
        before = dict(os.environ)
        os.environ.update(own)
        try:
            run(sys.executable, "-m", "labelplan", "key", "generate")
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def versions(name: str, objects: int, rounds: int) -> None:
    """Delete and bring back in a bucket with versioning: s5cmd, bare DeleteObjects, labelplan."""
    print(f"\n{name}: {objects:,} objects, versioning on")
    bucket = "versions"
    step("fill", bucket, "Enabled", objects)
    best: dict[str, Took] = {}
    for round_ in range(rounds):
        rm = run(str(running.program("s5cmd")), "rm", f"s3://{bucket}/{PREFIX}*")
        step("show", bucket)
        bare = step("bare_delete", bucket)
        step("show", bucket)
        plan = f"{os.environ['BENCH_FOLDER']}/{round_}.plan.json"
        step("plan", bucket, "versioning", plan)
        apply = run(sys.executable, "-m", "labelplan", "apply", plan, "--auto-approve")
        undo = run(sys.executable, "-m", "labelplan", "undo", f"{bucket}/{last_run(bucket)}", "--auto-approve")
        for what, took in (("s5cmd rm", rm), ("bare DeleteObjects", bare), ("apply", apply), ("undo", undo)):
            print(f"  round {round_ + 1}  {row(what, took, objects)}")
            best[what] = min(best.get(what, took), took)
    ratio("apply / s5cmd rm", best["s5cmd rm"], best["apply"])
    ratio("undo / apply", best["apply"], best["undo"])


def copies(name: str, objects: int, rounds: int) -> None:
    """Delete with copies as the way back, beside bare `copy_object` in as many threads."""
    print(f"\n{name}: {objects:,} objects, no versioning, copies as the way back")
    best: dict[str, Took] = {}
    for round_ in range(rounds):
        bucket = f"copies-{round_}"
        step("fill", bucket, "", objects)
        bare = step("bare_copy", bucket)
        plan = f"{os.environ['BENCH_FOLDER']}/copy-{round_}.plan.json"
        step("plan", bucket, "copy", plan)
        apply = run(sys.executable, "-m", "labelplan", "apply", plan, "--auto-approve")
        undo = run(sys.executable, "-m", "labelplan", "undo", f"{bucket}/{last_run(bucket)}", "--auto-approve")
        for what, took in ((f"copy_object, {THREADS} threads", bare), ("apply", apply), ("undo", undo)):
            print(f"  round {round_ + 1}  {row(what, took, objects)}")
            key = what.partition(",")[0]
            best[key] = min(best.get(key, took), took)
    ratio("apply / copy_object", best["copy_object"], best["apply"])
    ratio("undo / apply", best["apply"], best["undo"])


def memory(objects: int) -> None:
    """Print the peak memory of an apply and an undo of a tenth of *objects*, and of all."""
    for count in (objects // 10, objects):
        with simulator.running(only_count=True) as simulated, environment(simulated.url):
            print(f"\nsimulator: {count:,} deletes")
            bucket = "many"
            step("fill", bucket, "Enabled", 0)
            simulated.seed(bucket, prefix=PREFIX, count=count, size=100)
            plan = f"{os.environ['BENCH_FOLDER']}/plan.json"
            step("plan", bucket, "versioning", plan)
            apply = run(sys.executable, "-m", "labelplan", "apply", plan, "--auto-approve")
            print(f"  {row('apply', apply, count)}  peak {apply.peak:.0f} MB")
            undo = run(sys.executable, "-m", "labelplan", "undo", f"{bucket}/{last_run(bucket)}", "--auto-approve")
            print(f"  {row('undo', undo, count)}  peak {undo.peak:.0f} MB")


def row(what: str, took: Took, objects: int) -> str:
    """Write one line of figures."""
    cpu = took.cpu / objects * 1e6
    return f"{what:<24} {took.wall:7.2f} s  {objects / took.wall:9,.0f} objects/s  {cpu:7.1f} ms CPU per 1,000"


def ratio(what: str, slower: Took, faster: Took) -> None:
    """Write how many times as many objects a second the second one does."""
    print(f"  {what}: {slower.wall / faster.wall:.2f}", flush=True)


def run(*command: str) -> Took:
    """Run a command; exit with what it said if it fails."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        started = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, usage = os.wait4(started.pid, 0)
        wall = time.monotonic() - began
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} ended with {started.returncode}:\n{said.read().decode()[-2000:]}")
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def step(name: str, *arguments: object) -> Took:
    """Do a part of the benchmark in a process of its own."""
    return run(sys.executable, str(Path(__file__)), "--step", name, *map(str, arguments))


def last_run(bucket: str) -> str:
    """Name the bucket's newest run."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), "--step", "runs", bucket], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1]


# --- steps, in processes of their own -------------------------------------------------------------------------------


def _client() -> Any:
    import boto3  # noqa: PLC0415 - steps only
    from botocore.config import Config  # noqa: PLC0415 - as above

    return boto3.client("s3", config=Config(max_pool_connections=THREADS, s3={"addressing_style": "path"}))


def fill(bucket: str, versioning: str, objects: str) -> None:
    """Make a bucket with objects of a hundred bytes."""
    s3 = _client()
    s3.create_bucket(Bucket=bucket)
    if versioning:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": versioning})
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(objects)):
            Path(folder, f"{number:07}.jpg").write_bytes(b"%0100d" % number)
        if int(objects):
            command = [str(running.program("s5cmd")), "cp", f"{folder}/", f"s3://{bucket}/{PREFIX}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def plan(bucket: str, mode: str, path: str) -> None:
    """Write a signed plan that deletes everything under the prefix."""
    import datetime as dt  # noqa: PLC0415 - steps only
    import secrets  # noqa: PLC0415

    from msgspec import UNSET, Raw  # noqa: PLC0415

    from labelplan.model.plan import (  # noqa: PLC0415
        Decision,
        DetectorRecord,
        Header,
        RuleHeader,
        RuleSummary,
        Summary,
    )
    from labelplan.planfile.keys import find_signer  # noqa: PLC0415
    from labelplan.planfile.writer import PlanWriter  # noqa: PLC0415
    from labelplan.rules.accept import accepted_labels  # noqa: PLC0415
    from labelplan.specfile.build import build_spec  # noqa: PLC0415
    from labelplan.store.s3 import open_reader  # noqa: PLC0415

    spec = {
        "version": 1,
        "bucket": bucket,
        "guards": {"max_delete_percent": 100, "max_delete_count": 10_000_000, "min_keep": 0},
        "backup": {"mode": mode},
        "labels": {"car": {"prefix": PREFIX, "accept": ["Deer"]}},
    }
    reader = open_reader(bucket)
    created = dt.datetime.now(dt.UTC).replace(microsecond=0)
    header = Header(
        tool="labelplan 0",
        target=reader.target(),
        spec=Raw(json.dumps(spec).encode()),
        spec_sha256="0" * 64,
        detector=DetectorRecord("rekognition", 50, 50.0, "3.0"),
        rules=(RuleHeader("car", accepted_labels(build_spec(spec).rules[0], []), ()),),
        created=created,
        expires=created + dt.timedelta(days=1),
        nonce=secrets.token_hex(16),
    )
    count = 0
    with PlanWriter(Path(path), header) as writer:
        for one in reader.list_current(PREFIX):
            said: tuple[Any, ...] = ("car", "delete", "no-evidence", (), UNSET, Raw(CAR))
            writer.add(Decision(one.key, one.version_id, one.etag, one.size, *said))
            count += 1
        summary = Summary((RuleSummary("car", {"delete no-evidence": count}, (), ()),))
        writer.finish(summary, find_signer(None, os.environ), None)


def show(bucket: str) -> None:
    """Remove every delete marker: the bucket is as it was."""
    s3 = _client()
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=PREFIX):
        if markers := page.get("DeleteMarkers"):
            named = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in markers]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})


def bare_delete(bucket: str) -> None:
    """Delete everything with DeleteObjects under ETags, one thread, verbose replies: nothing but the calls."""
    s3 = _client()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX):
        named = [{"Key": one["Key"], "ETag": one["ETag"]} for one in page.get("Contents", ())]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": named})


def bare_copy(bucket: str) -> None:
    """Copy everything with `copy_object`, under the source's ETag, in as many threads: nothing but the calls."""
    s3 = _client()
    listed = [
        (one["Key"], one["ETag"])
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
        for one in page.get("Contents", ())
    ]

    def copy(one: tuple[str, str]) -> None:
        source = {"Bucket": bucket, "Key": one[0]}
        s3.copy_object(Bucket=bucket, Key=f"bare/{one[0]}", CopySource=source, CopySourceIfMatch=one[1])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(copy, listed))


def runs(bucket: str) -> None:
    """Print the names of the bucket's runs, oldest first."""
    s3 = _client()
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=".labelplan/runs/")
    starts = [one for page in listed for one in page.get("Contents", ()) if one["Key"].endswith("/start.json")]
    for one in sorted(starts, key=lambda one: one["LastModified"]):
        print(one["Key"].split("/")[2])


STEPS: dict[str, Any] = {
    "fill": fill,
    "plan": plan,
    "show": show,
    "bare_delete": bare_delete,
    "bare_copy": bare_copy,
    "runs": runs,
}

if __name__ == "__main__":
    main()
