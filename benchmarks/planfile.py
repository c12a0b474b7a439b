"""How fast a plan file is written, verified and replayed, and how much memory that takes.

Synthetic decisions of about 700 bytes with answers in DetectLabels' shape. Each step runs in a process of its own;
beside it stand what sha256 alone and the disk alone reach in the same run. Run: python benchmarks/planfile.py
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Raw

from labelplan.flow.verify import verify_plan
from labelplan.model.objects import Target
from labelplan.model.plan import Decision, DetectorRecord, Header, RuleHeader, RuleSummary, Summary
from labelplan.planfile.keys import find_signer, generate_key
from labelplan.planfile.reader import open_plan
from labelplan.planfile.trust import load_trust
from labelplan.planfile.writer import PlanWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


RULE = "whitetail-deer"
NAMES = ("Deer", "Wildlife", "Animal", "Mammal", "Antelope", "Grass", "Plant", "Outdoors", "Nature", "Person")
VARIETY = 997
"""Different answers; prime, so that they do not line up with blocks."""


def main() -> None:
    """Measure all steps and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="decisions (default: 1,000,000)")
    parser.add_argument("--folder", help="where to write; default: the system's temporary folder")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        STEPS[options.step](Path(options.folder), options.count)
        return
    with tempfile.TemporaryDirectory(prefix="labelplan-benchmark-", dir=options.folder) as folder:
        generate_key(Path(folder, "key"))
        for step in STEPS:
            subprocess.run(
                [sys.executable, __file__, "--step", step, "--folder", folder, "--count", str(options.count)],
                check=True,
            )


def write(folder: Path, count: int) -> None:
    """Write and sign a plan; making the decisions is measured apart, and taken off."""
    now = dt.datetime.now(dt.UTC)
    header = Header(
        tool="benchmark",
        target=Target("", "123456789012", "us-east-1", "wildlife-training", "Enabled"),
        spec=Raw(b"{}"),
        spec_sha256="0" * 64,
        detector=DetectorRecord("rekognition", 50, 50, "3.0"),
        rules=(RuleHeader(RULE, (), ()),),
        created=now,
        expires=now + dt.timedelta(days=1),
        nonce="0",
    )
    began = time.perf_counter()
    deleted = sum(decision.action == "delete" for decision in decisions(count))
    making = time.perf_counter() - began
    counts = {"delete no-evidence": deleted, "keep evidence": count - deleted}
    began = time.perf_counter()
    with PlanWriter(folder / "plan", header) as writer:
        for decision in decisions(count):
            writer.add(decision)
        signer = find_signer(str(folder / "key"), {})
        writer.finish(Summary((RuleSummary(RULE, {k: v for k, v in counts.items() if v}, (), ()),)), signer, None)
    report("write", folder, count, time.perf_counter() - began - making)


def verify(folder: Path, count: int) -> None:
    """Verify as the command does: bytes, spelling, order, counts, signature, trust, expiry."""
    own = find_signer(str(folder / "key"), {})
    trust = load_trust(None, {}, folder, lambda: own.public, allow_own_key=True)
    began = time.perf_counter()
    with verify_plan(folder / "plan", trust, dt.datetime.now(dt.UTC)):
        report("verify", folder, count, time.perf_counter() - began)


def replay(folder: Path, count: int) -> None:
    """Go through the decisions of a verified plan, each block hashed again."""
    with open_plan(folder / "plan") as plan:
        began = time.perf_counter()
        seen = sum(1 for _ in plan.decisions())
        report("replay", folder, count, time.perf_counter() - began)
    assert seen == count  # noqa: S101 - a benchmark that reads less than it wrote measures nothing


def sha256(folder: Path, count: int) -> None:
    """Hash the plan and do nothing else: what no reader can beat."""
    began = time.perf_counter()
    with (folder / "plan").open("rb") as plan:
        hashlib.file_digest(plan, "sha256")
    report("bare sha256", folder, count, time.perf_counter() - began)


def disk(folder: Path, count: int) -> None:
    """Write as many bytes and sync them: what no writer can beat."""
    block, size = os.urandom(1 << 20), (folder / "plan").stat().st_size
    began = time.perf_counter()
    with (folder / "bytes").open("wb", buffering=0) as out:
        for _ in range(size // len(block)):
            out.write(block)
        os.fsync(out.fileno())
    report("bare disk write", folder, count, time.perf_counter() - began)


def decisions(count: int) -> Iterator[Decision]:
    """Make decisions in the order of their keys; about one in seven is a delete."""
    chance = random.Random(7)  # noqa: S311 - the same plan in every run
    answers = [answer(chance) for _ in range(VARIETY)]
    for number in range(count):
        keep = number % 7 > 0
        yield Decision(
            key=f"images/{RULE}/{number:09d}.jpg",
            version_id="3sL4kqtJlcpXroDTDmJ_rmSpXd3dIbrHY",
            etag="9b2cf535f27731c974343645a3985328",
            size=123_456 + number,
            rule=RULE,
            action="keep" if keep else "delete",
            reason="evidence" if keep else "no-evidence",
            labels=("Deer",) if keep else (),
            response=answers[number % VARIETY],
        )


def answer(chance: random.Random) -> Raw:
    """Make a detector's answer of 4 to 8 labels, its confidences float32 values printed as doubles, as AWS's are."""
    labels = ",".join(
        f'{{"Name":"{name}","Confidence":{chance.uniform(50, 100):.14f},"Parents":[{{"Name":"Animal"}}]}}'
        for name in chance.sample(NAMES, chance.randint(4, 8))
    )
    return Raw(f'{{"Labels":[{labels}],"LabelModelVersion":"3.0"}}'.encode())


def report(step: str, folder: Path, count: int, seconds: float) -> None:
    """Print one step's figures; memory is the process's peak."""
    size = (folder / "plan").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{step:<16} {size / 1e6 / seconds:7.0f} MB/s  {count / seconds:9,.0f} decisions/s  {seconds:6.2f} s"
        f"  peak {peak:4.0f} MB  ({size / count:.0f} B a decision)",
        flush=True,
    )


STEPS: dict[str, Callable[[Path, int], None]] = {
    "write": write,
    "verify": verify,
    "replay": replay,
    "sha256": sha256,
    "disk": disk,
}

if __name__ == "__main__":
    main()
