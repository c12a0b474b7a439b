"""Killed after any change that an apply or an undo makes: the same command finishes the work.

Every change is tried in turn, on a bucket of its own. The client is gone at once, with what it knew: its reply is lost,
and nothing is sent after it.
"""

from __future__ import annotations

import contextlib
import itertools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from labelplan.errors import AlreadyApplied
from tests.flow.applying import apply, history, one_at_a_time, records, undo, write_plan
from tests.wire import Killed, killed_after, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from labelplan.flow.apply import Applied
    from labelplan.flow.undo import Undone

DELETED = ["deer/1.jpg", "deer/2.jpg"]
CHANGES = 10  # of an apply of this size: start.json, claim, plan.json, intent, delete and done twice, run.json
CHANGES_OF_UNDO = 3  # a removal of both, its result, undone.json


@dataclass(frozen=True)
class Round:
    """A fresh bucket with three pictures, and a plan to delete two of them."""

    s3: S3Client
    bucket: str
    plan: Path
    before: set[tuple[str, str, bool, bool]]

    @classmethod
    def begin(cls, s3: S3Client, folder: Path) -> Self:
        bucket = f"killed-{uuid.uuid4().hex[:12]}"
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for key in (*DELETED, "deer/3.jpg"):
            s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        return cls(s3, bucket, write_plan(folder / bucket, bucket, DELETED), history(s3, bucket))

    def apply(self) -> Applied:
        return apply(self.plan, self.bucket)

    def undo(self) -> Undone:
        return undo(f"{self.bucket}/{next(iter(self.runs()))}")

    def runs(self) -> set[str]:
        return {key.split("/")[2] for key in records(self.s3, self.bucket) if key.endswith("plan.json")}

    def now(self) -> set[tuple[str, str, bool, bool]]:
        return history(self.s3, self.bucket)

    def hidden(self) -> list[str]:
        """The keys of all delete markers: a key that was deleted twice is there twice."""
        return sorted(key for key, _, is_marker, _ in self.now() if is_marker)


@contextlib.contextmanager
def killed(number: int) -> Iterator[None]:
    """Be killed after the change of this number; `NothingLeftError` if there was none."""
    with one_at_a_time(batch=1), recorded(killed_after(number)):
        try:
            yield
        except Killed:
            return
    raise NothingLeftError


class NothingLeftError(Exception):
    """The work ended before it could be killed."""


def test_an_apply_that_is_killed_anywhere_is_finished_by_the_same_command(s3: S3Client, tmp_path: Path) -> None:
    for number in itertools.count():
        one = Round.begin(s3, tmp_path)
        try:
            with killed(number):
                one.apply()
        except NothingLeftError:
            assert number == CHANGES
            return
        try:
            assert one.apply().counts == {"deleted": 2}
        except AlreadyApplied:
            assert number == CHANGES - 1  # killed when all was done and recorded
        assert one.hidden() == DELETED
        assert one.undo().counts == {"restored": 2}
        assert one.now() == one.before


def test_an_apply_that_is_killed_anywhere_can_be_undone_at_once(s3: S3Client, tmp_path: Path) -> None:
    for number in itertools.count():
        one = Round.begin(s3, tmp_path)
        try:
            with killed(number):
                one.apply()
        except NothingLeftError:
            assert number == CHANGES
            return
        if one.runs():
            assert not one.undo().in_part
        assert one.now() == one.before


def test_an_undo_that_is_killed_anywhere_is_finished_by_the_same_command(s3: S3Client, tmp_path: Path) -> None:
    for number in itertools.count():
        one = Round.begin(s3, tmp_path)
        one.apply()
        try:
            with killed(number):
                one.undo()
        except NothingLeftError:
            assert number == CHANGES_OF_UNDO
            return
        assert not one.undo().in_part
        assert one.now() == one.before
