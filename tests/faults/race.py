"""`python -m tests.faults.race --server SERVER`: somebody writes at the very moment of a delete. Whose is the fault?

In each round somebody stores a new object under every planned key, milliseconds around the requests that delete them.
What he wrote has to be on top in the end: his write came before the delete, which then has to be refused, or after
it. A server that does not compare and delete in one step hides it, or loses it where there are no versions. To tell its
fault from labelplan's, the same race is run with bare boto3: one DeleteObjects with the objects' ETags.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.disturbances import Disturbance
from tests.faults.judging import after_visit
from tests.faults.look import history
from tests.faults.stage import applying, staged
from tests.faults.targets import NAMES, opened
from tests.faults.telling import Telling

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.faults.pictures import Bucket
    from tests.faults.stage import Stage

MODES = ("versioning", "copy")
SPREAD = 0.012
"""Seconds around the delete within which the writes come."""


class Writer:
    """Stores something new under some keys, each at a moment of its own."""

    def __init__(self, s3: S3Client, bucket: Bucket, chance: random.Random) -> None:
        self._s3, self._bucket, self._chance = s3, bucket, chance
        self._threads: list[threading.Thread] = []

    def write_soon(self, keys: list[str]) -> None:
        """Begin to write; returns at once."""
        for key in keys:
            if key not in self._bucket.others.written:
                self._bucket.others.written[key] = f"newer {key}".encode()
                thread = threading.Thread(target=self._write, args=(key, self._chance.random() * SPREAD))
                thread.start()
                self._threads.append(thread)

    def _write(self, key: str, pause: float) -> None:
        time.sleep(pause)
        self._s3.put_object(Bucket=self._bucket.name, Key=key, Body=self._bucket.others.written[key])

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


@dataclass
class Tally:
    """Of so many new objects, how many were not on top after the delete, and of those how many not after undo."""

    written: int = 0
    hidden: int = 0
    lost: int = 0

    def words(self) -> str:
        return f"{self.written:,} newer objects, {self.hidden} hidden or gone after the delete"


def race_labelplan(stage: Stage, mode: str, chance: random.Random, tally: Tally) -> list[str]:
    """Run one round against an apply; return what else was wrong."""
    one = Telling(stage, "race", mode, Disturbance("visit", 2, 0, "DeleteObjects"))
    one.part_is_enough = True
    writer = Writer(stage.s3, one.bucket, chance)
    # the batch that is about to be deleted, as the proxy sees it
    stage.proxy.visitor = lambda _: writer.write_soon([key for key, _ in stage.proxy.calls[-1].objects])
    one.see(stage.run(one.bucket, "apply", applying(one.bucket), one.disturbance))
    writer.join()
    tally.written += len(one.bucket.others.written)
    tally.hidden += len(after_visit(stage.s3, one.bucket))
    stage.proxy.visitor = lambda _: None
    one.finish_undo()
    tally.lost += len(after_visit(stage.s3, one.bucket))
    one.leave()
    return [fault.what for fault in one.end().faults]


def race_bare(stage: Stage, mode: str, chance: random.Random, tally: Tally) -> None:
    """Run one round against a single DeleteObjects."""
    bucket = stage.scene(mode).bucket
    before = history(stage.s3, bucket.name)
    objects = [{"Key": key, "ETag": before[key][0].etag} for key in bucket.delete if "\x01" not in key]
    writer = Writer(stage.s3, bucket, chance)
    writer.write_soon([one["Key"] for one in objects])
    stage.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": objects})  # type: ignore[typeddict-item]  # ETag too
    writer.join()
    tally.written += len(objects)
    tally.hidden += len(after_visit(stage.s3, bucket))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.race", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--server", choices=NAMES, default="seaweedfs")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance, wrong = random.Random(given.seed), 0  # noqa: S311 - no secret
    with opened(given.server) as target, staged(target) as stage:
        for mode in MODES:
            ours, bare = Tally(), Tally()
            for _ in range(given.rounds):
                for what in race_labelplan(stage, mode, chance, ours):
                    print(what)  # noqa: T201 - the result
                    wrong += 1
                race_bare(stage, mode, chance, bare)
            print(f"{given.server}, {mode}: labelplan: {ours.words()}, {ours.lost} after undo")  # noqa: T201 - the result
            print(f"{given.server}, {mode}: bare DeleteObjects: {bare.words()}")  # noqa: T201 - the result
            wrong += ours.hidden > 0 and bare.hidden == 0
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
