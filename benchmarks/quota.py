"""How much of Rekognition's quota is used, and what is lost: ours beside boto3's loop and its retry modes.

Against the stand-in for Rekognition (tests/simulators/rekognition) at several quotas, each client in a process of its
own with its own stand-in; answers take a lognormal time of median 250 ms. The limit is the stand-in's own count of the
calls that the quota allowed. Not measured: the live service, S3, the cache.

    python benchmarks/quota.py [--tps 5 50 200] [--seconds 25] [--ramp 15] [--only NAME]…

Columns: answers a second, and the share of the allowed calls that was used, after the ramp; images that got no answer;
share of throttled requests in the whole run, the ramp included; seconds from asking to answer for 99 of 100 images
after the ramp (with ours most of it is waiting for a turn); the client's CPU time, in percent of a core.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from labelplan.detect.open import open_detector
from labelplan.errors import LabelplanError
from labelplan.model.objects import S3Object
from labelplan.model.response import Answered
from labelplan.model.spec import DetectorSettings

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.simulators.rekognition.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[[str], bool]

BUCKET, REGION = "wildlife-training", "us-east-1"
ETAG = "9b2cf535f27731c974343645a3985328"
THREADS = 32
LEAST_CALLS = 300
"""Calls that the measured part must allow, so that one more or less is no percent."""

SETTINGS = DetectorSettings("rekognition", 50, 50.0)
MODES = ("legacy", "standard", "adaptive", "none")


class Run(Struct, frozen=True):
    """One row: its name, the client, the quota, and what else is asked of the stand-in or of how many processes."""

    name: str
    client: str
    tps: int
    more: dict[str, float] = {}
    processes: int = 1


class Report(Struct, frozen=True):
    """What a client's process says in the end. *measured*: answers after the ramp; *wait*: the 99th percentile."""

    lost: int
    measured: int
    wait: float
    cpu: float


def main() -> None:
    """Run all clients and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tps", type=int, nargs="+", default=[5, 50, 200], help="quotas (default: 5 50 200)")
    parser.add_argument("--seconds", type=float, default=25, help="measured seconds; more at a small quota")
    parser.add_argument("--ramp", type=float, default=15, help="seconds before they start (default: 15)")
    parser.add_argument("--only", nargs="+", help="rows whose name starts so, such as: ours")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        print(json.dumps(measure(options.client, options.ramp, options.seconds)), flush=True)
        return
    print(f"{'':43}{'answers/s':>10}{'of quota':>10}{'lost':>6}{'throttled':>11}{'p99 s':>7}{'CPU':>6}")
    for group in groups(options.tps):
        chosen = [run for run in group if not options.only or run.name.startswith(tuple(options.only))]
        with ThreadPoolExecutor(max(1, len(chosen))) as pool:
            for row in pool.map(lambda run: measured(run, options.ramp, options.seconds), chosen):
                print(row, flush=True)


def groups(quotas: list[int]) -> Iterator[list[Run]]:
    """List what may run at the same time on two cores without being in each other's way."""
    for tps in quotas:
        ours, loop = Run("ours", "ours", tps), Run("boto3, one at a time", "loop", tps)
        peers = [Run(f"boto3, {THREADS} threads, {mode}", mode, tps) for mode in MODES]
        if tps * (2 + len(peers)) <= LEAST_CALLS:
            yield [ours, loop, *peers]
        else:
            yield [ours, loop]
            yield peers[:2]
            yield peers[2:]
    tps = sorted(quotas)[len(quotas) // 2]
    yield [
        Run("ours, 2 % HTTP 500, 2 % resets", "ours", tps, {"error_rate": 0.02, "reset_rate": 0.02}),
        Run("ours, sudden increases throttled", "ours", tps, {"ramp": 3}),
        Run("ours, two processes", "ours", tps, processes=2),
    ]


def measured(run: Run, ramp: float, seconds: float) -> str:
    """Run *run* and return its row, or rows."""
    seconds = max(seconds, LEAST_CALLS / run.tps)
    with running(tps=run.tps, latency=0.25, refusal_latency=0.02, without_s3=True, **run.more) as simulator:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(started(run.client, simulator, ramp, seconds)) for _ in range(run.processes)]
            for client in clients:
                line_of(client)  # that it begins
            time.sleep(ramp)
            before = simulator.totals()
            time.sleep(seconds)
            after = simulator.totals()
            reports = [Report(**json.loads(line_of(client))) for client in clients]
        whole = simulator.totals()
    allowed = after["allowed"] - before["allowed"]
    admitted = after["admitted"] - before["admitted"]
    shares = [report.measured / seconds for report in reports]
    figures = (
        f"{sum(shares):10.1f}{100 * admitted / allowed:9.1f}%"
        f"{sum(report.lost for report in reports):6}{100 * whole['throttled'] / whole['attempts']:10.2f}%"
        f"{max(report.wait for report in reports):7.2f}{100 * max(report.cpu for report in reports):5.0f}%"
    )
    each = " and ".join(f"{share:.1f}/s" for share in shares)
    return f"{run.tps:4} TPS  {run.name:33}{figures}" + (f"  ({each})" if len(shares) > 1 else "")


@contextlib.contextmanager
def started(client: str, simulator: Simulator, ramp: float, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Start *client* in a process of its own that asks *simulator*; end it with the block."""
    command = [sys.executable, __file__, "--client", client, "--ramp", str(ramp), "--seconds", str(seconds)]
    endpoints = {f"AWS_ENDPOINT_URL_{service}": simulator.url for service in ("REKOGNITION", "SERVICE_QUOTAS")}
    with subprocess.Popen(command, env=os.environ | endpoints, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that *process* prints."""
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    line = process.stdout.readline()
    if not line:
        sys.exit("a client ended before its time; its last words stand above")
    return line


def measure(client: str, ramp: float, seconds: float) -> dict[str, Any]:
    """Ask for one image after the other with all of the client's threads, until the time is up."""
    ask, threads = CLIENTS[client]()
    keys = (f"images/{number:08}.jpg" for number in itertools.count())
    next_key, answers, lost = threading.Lock(), list[tuple[float, float]](), list[str]()
    began, cpu = time.monotonic(), time.process_time()
    print("begins", flush=True)

    def work() -> None:
        while (asked := time.monotonic()) < began + ramp + seconds:
            with next_key:
                key = next(keys)
            if ask(key):
                answers.append((asked, time.monotonic()))
            else:
                lost.append(key)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.monotonic() - began
    waits = sorted(answered - asked for asked, answered in answers if asked >= began + ramp)
    return {
        "lost": len(lost),
        "measured": sum(began + ramp <= answered < began + ramp + seconds for _, answered in answers),
        "wait": waits[int(0.99 * len(waits))] if waits else 0.0,
        "cpu": (time.process_time() - cpu) / took,
    }


def ours() -> tuple[Ask, int]:
    """Use labelplan's detector, with the quota that Service Quotas tells and as many threads as it wants."""
    detector = open_detector(
        SETTINGS,
        bucket=BUCKET,
        region=REGION,
        fetch=lambda _image, _most: None,
        first_bytes=lambda _image, _most: None,
        max_calls=None,
        s3_endpoint="",
    )

    def ask(key: str) -> bool:
        try:
            return isinstance(
                detector.detect(S3Object(key, "null", "9b2cf535f27731c974343645a3985328", 100_000)), Answered
            )
        except LabelplanError as error:
            print(error, file=sys.stderr)
            return False

    return ask, detector.concurrency


def peer(threads: int, retries: Any) -> tuple[Ask, int]:
    """Use boto3 as a script does, with its own number of attempts."""
    config = Config(retries=retries, max_pool_connections=max(10, threads))
    client = boto3.Session().client("rekognition", region_name=REGION, config=config)

    def ask(key: str) -> bool:
        try:
            client.detect_labels(
                Image={"S3Object": {"Bucket": BUCKET, "Name": key}},
                MaxLabels=SETTINGS.max_labels,
                MinConfidence=SETTINGS.min_confidence,
            )
        except (ClientError, BotoCoreError):
            return False
        return True

    return ask, threads


CLIENTS: dict[str, Callable[[], tuple[Ask, int]]] = {
    "ours": ours,
    "loop": lambda: peer(1, {"mode": "legacy"}),
    "legacy": lambda: peer(THREADS, {"mode": "legacy"}),
    "standard": lambda: peer(THREADS, {"mode": "standard"}),
    "adaptive": lambda: peer(THREADS, {"mode": "adaptive"}),
    "none": lambda: peer(THREADS, {"total_max_attempts": 1}),
}

if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith("AWS_") and not name.startswith("AWS_ENDPOINT_URL_")]:
        del os.environ[name]  # a profile, a retry mode, a session token
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_CONFIG_FILE": os.devnull,
    }
    main()
