"""How fast a plan is made again when every answer is in the cache already, and how much memory that takes.

The real command, `labelplan plan`, in a process of its own: the listing comes from a local S3 that only lists
(tests/simulators/s3_listing, in another process), every object has a content and a row of the cache of its own, and
Rekognition's endpoint is a port that counts who calls: nobody may. Beside it, in the same run, a bare listing by
boto3's paginator and by labelplan's own, and the bare parsing of one page.

    python benchmarks/replan.py [--sizes 100000 1000000] [--prefixes 4] [--profile] [--folder KEEP_THE_CACHE_HERE]

Not measured: S3's own time for a page, and the first plan, which pays.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.simulators.s3_listing.running import running  # noqa: E402 - found there only now

# whatever is imported here counts as the command's memory as well (Linux keeps the peak across fork and exec), so the
# rest is imported by the steps, in processes of their own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.model.response import Answered

BUCKET, REGION = "wildlife-training", "us-east-1"
VARIETY = 997
"""Different answers; prime, so that they do not line up with anything."""

DEER = ("Deer", "Wildlife", "Animal", "Mammal", "Antelope", "Grass", "Plant", "Outdoors", "Nature", "Field")
CAR = ("Car", "Vehicle", "Transportation", "Wheel", "Machine", "Road", "Tarmac", "Sedan", "City", "Building")
ONE_IN = 8
"""How many answers there are for each one that shows no deer."""

BARE_OBJECTS = 20_000
"""What boto3's own paginator lists: it takes long enough."""

TOLD = (
    ("survey.py", "survey"),
    ("listing_ahead.py", "side_by_side"),
    ("spool.py", "append"),
    ("decisions.py", "missing_answers"),
    ("decisions.py", "decide_all"),
    ("decisions.py", "_answers"),
    ("spool.py", "pages"),
    ("content.py", "content_of"),
    ("cache.py", "find"),
    ("cache.py", "models"),
    ("cache_row.py", "from_row"),
    ("response.py", "decode_response"),
    ("decide.py", "with_answer"),
    ("tally.py", "add"),
    ("writer.py", "_flush"),
    ("layout.py", "encode_decisions"),
    ("newfile.py", "write"),
)
"""What `--profile` tells the time of, in the order of the work."""


def main() -> None:
    """Build the cache, then measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="objects in the bucket")
    parser.add_argument("--prefixes", type=int, default=4, help="label rules, each with a prefix (default: 4)")
    parser.add_argument("--folder", type=Path, help="keeps the cache there for the next run, and the plans")
    parser.add_argument("--port", type=int, default=18643, help="where nobody may call Rekognition (default: 18643)")
    parser.add_argument("--profile", action="store_true", help="run once more and say where the time goes")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        STEPS[given.step](given.folder, max(given.sizes), given.prefixes)
        return
    with contextlib.ExitStack() as opened:
        folder = given.folder or Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="labelplan-replan-")))
        folder.mkdir(parents=True, exist_ok=True)
        environment = _environment(folder, given.port)
        calls = opened.enter_context(_nobody_calls(given.port))
        _step("build", folder, max(given.sizes), given.prefixes, environment)
        for size in given.sizes:
            with running(objects=size, prefixes=given.prefixes) as url:
                environment["AWS_ENDPOINT_URL_S3"] = url
                _step("bare", folder, size, given.prefixes, environment)
                _step("spec", folder, size, given.prefixes, environment)
                _plan(folder, size, environment)
                if given.profile:
                    _profile(folder, size, given.prefixes, environment)
        print(f"calls of Rekognition: {len(calls)}")
        if calls:
            sys.exit("Rekognition was called: the cache did not answer for everything.")


def _environment(folder: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LABELPLAN_"))}
    nobody = f"http://127.0.0.1:{port}"
    return kept | {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_REKOGNITION": nobody,
        "LABELPLAN_CACHE": str(folder / "answers.sqlite"),
        "PYTHONPATH": str(ROOT),
    }


@contextlib.contextmanager
def _nobody_calls(port: int) -> Iterator[list[object]]:
    """Listen where Rekognition would be, and note who connects."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", port)) as server:

        def note() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    connection, where = server.accept()
                    connection.close()
                    calls.append(where)

        threading.Thread(target=note, daemon=True).start()
        yield calls


def _step(step: str, folder: Path, size: int, prefixes: int, environment: dict[str, str]) -> None:
    options = ["--folder", str(folder), "--sizes", str(size), "--prefixes", str(prefixes)]
    subprocess.run([sys.executable, __file__, "--step", step, *options], check=True, env=environment)


def _command(folder: Path) -> list[str]:
    spec, plan = folder / "spec.yaml", folder / "plan.json"
    return ["-m", "labelplan", "plan", str(spec), "-o", str(plan), "--key", str(folder / "key"), "--tps", "50"]


def _plan(folder: Path, size: int, environment: dict[str, str]) -> None:
    """Run the command, and print how fast it was and its peak memory."""
    began = time.perf_counter()
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *_command(folder)], env=environment, cwd=folder, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"labelplan plan ended with {process.returncode}:\n{(folder / 'said.txt').read_text()[-2000:]}")
    written = (folder / "plan.json").stat().st_size
    print(
        f"plan            {size:9,} objects  {took:6.1f} s  {size / took:8,.0f} objects/s"
        f"  peak {used.ru_maxrss / 1024:4.0f} MB  CPU {used.ru_utime + used.ru_stime:5.1f} s"
        f"  plan {written / 1e6:,.0f} MB"
    )


def _profile(folder: Path, size: int, prefixes: int, environment: dict[str, str]) -> None:
    """Run the command under cProfile, which makes it slower, and print what its main thread did."""
    stats = folder / "profile"
    command = [sys.executable, "-m", "cProfile", "-o", str(stats), *_command(folder)]
    with (folder / "said.txt").open("wb") as said:
        subprocess.run(command, check=True, env=environment, cwd=folder, stdout=said, stderr=said)
    _step("profile", folder, size, prefixes, environment)


# --- steps, each in a process of its own ----------------------------------------------------------------------------


def profile(folder: Path, size: int, _prefixes: int) -> None:
    """Print where the time went."""
    import pstats  # noqa: PLC0415 - as above

    table: dict[Any, Any] = pstats.Stats(str(folder / "profile")).stats  # type: ignore[attr-defined]  # not in typeshed
    for file, name in TOLD:
        rows = [row for (path, _, function), row in table.items() if function == name and path.endswith(f"/{file}")]
        inside, own = sum(row[3] for row in rows), sum(row[2] for row in rows)
        print(f"  {file + ' ' + name:36} {1e6 * inside / size:6.1f} us an object, {1e6 * own / size:6.1f} its own")


def build(folder: Path, size: int, _prefixes: int) -> None:
    """Fill the cache for so many objects, unless an earlier run did; and make a signing key."""
    from labelplan.detect.cache import default_cache_path, open_cache  # noqa: PLC0415 - as above
    from labelplan.detect.content import content_of, kind_of  # noqa: PLC0415 - as above
    from labelplan.detect.rekognition_client import identity_of, make_client  # noqa: PLC0415 - as above
    from labelplan.model.objects import Target  # noqa: PLC0415 - as above
    from labelplan.model.spec import DetectorSettings  # noqa: PLC0415 - as above
    from labelplan.planfile.keys import generate_key  # noqa: PLC0415 - as above
    from tests.simulators.s3_listing.objects import Objects  # noqa: PLC0415 - as above

    if not (folder / "key").exists():
        generate_key(folder / "key")
    kind = kind_of(identity_of(make_client(REGION)), DetectorSettings("rekognition", 50, 50.0))
    objects, answers = Objects(size), _answers()
    target = Target("", "", REGION, BUCKET, "Enabled")
    began = time.perf_counter()
    with open_cache(default_cache_path(os.environ)) as cache:
        last = content_of(objects.at(size - 1), target)
        if cache.find(kind, [last]):
            return
        new = cache.keep_many(kind, ((content_of(objects.at(at), target), answers[at % VARIETY]) for at in range(size)))
    took = time.perf_counter() - began
    mean = sum(len(answer.raw) for answer in answers) / VARIETY
    print(f"cache           {new:9,} answers of {mean:,.0f} bytes  {took:6.1f} s  {new / took:8,.0f} answers/s")


def _answers() -> list[Answered]:
    from labelplan.model.response import strict_answer  # noqa: PLC0415 - as above

    rng = random.Random(7)  # noqa: S311 - nothing secret
    answers = []
    for number in range(VARIETY):
        names = CAR if number % ONE_IN == 0 else DEER
        confidences = sorted((rng.uniform(86, 100) for _ in names), reverse=True)
        labels = [_label(name, confidence, names, rng) for name, confidence in zip(names, confidences, strict=True)]
        answer = {"LabelModelVersion": "3.0", "Labels": labels}
        answers.append(strict_answer(json.dumps(answer, separators=(",", ":")).encode()))
    return answers


def _label(name: str, confidence: float, names: tuple[str, ...], rng: random.Random) -> dict[str, object]:
    box = {side: rng.random() for side in ("Height", "Left", "Top", "Width")}
    return {
        "Aliases": [],
        "Categories": [{"Name": "Animals and Pets"}],
        "Confidence": confidence,
        "Instances": [{"BoundingBox": box, "Confidence": confidence}] if name in {"Deer", "Car"} else [],
        "Name": name,
        "Parents": [{"Name": parent} for parent in sorted(names[1:4]) if parent != name],
    }


def spec(folder: Path, size: int, prefixes: int) -> None:
    """Write the spec: a label rule for each prefix, its references among the objects that show deer."""
    from tests.simulators.s3_listing.objects import Objects  # noqa: PLC0415 - as above

    objects = Objects(size, prefixes)
    lines = ["version: 1", f"bucket: {BUCKET}", "labels:"]
    for number, prefix in enumerate(objects.prefixes):
        numbers, _ = objects.between(prefix, "", ONE_IN)
        deer = [objects[at] for at in numbers if at % VARIETY % ONE_IN]
        lines += [f"  deer-{number}:", f"    prefix: {prefix}", f"    references: [{', '.join(deer[:3])}]"]
    (folder / "spec.yaml").write_text("\n".join(lines) + "\n")


def bare(_folder: Path, size: int, prefixes: int) -> None:
    """List with boto3's paginator and with labelplan's own, and parse one page again and again."""
    import boto3  # noqa: PLC0415 - as above

    from labelplan.store.listing_xml import read_page  # noqa: PLC0415 - as above
    from labelplan.store.s3 import open_reader  # noqa: PLC0415 - as above
    from tests.simulators.s3_listing.objects import Objects  # noqa: PLC0415 - as above

    client = boto3.Session().client("s3")
    bodies: list[bytes] = []
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=BUCKET, PaginationConfig={"MaxItems": BARE_OBJECTS}
    )
    began, listed = time.perf_counter(), 0
    for page in pages:
        listed += len(page["Versions"])
    _tell("boto3 paginator", listed, time.perf_counter() - began)

    began = time.perf_counter()
    listed = sum(len(page) for _, page in open_reader(BUCKET).list_pages(Objects(size, prefixes).prefixes))
    _tell("list_pages", listed, time.perf_counter() - began)

    client.meta.events.register(
        "before-parse.s3.ListObjectVersions", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    found = len(client.list_object_versions(Bucket=BUCKET)["Versions"])
    began, rounds = time.perf_counter(), 20
    for _ in range(rounds):
        read_page(bodies[0])
    _tell("parsing alone", rounds * found, time.perf_counter() - began)


def _tell(what: str, objects: int, took: float) -> None:
    each = 1e6 * took / objects
    print(f"{what:15} {objects:9,} objects  {took:6.1f} s  {objects / took:8,.0f} objects/s  {each:5.1f} us each")


STEPS = {"build": build, "spec": spec, "bare": bare, "profile": profile}


if __name__ == "__main__":
    main()
