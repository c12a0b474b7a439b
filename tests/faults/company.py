"""Stories with somebody else in them: who writes to the bucket, applies the same plan, or takes over an old lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.judging import after_visit
from tests.faults.stage import applying, undoing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.faults.pictures import Bucket
    from tests.faults.telling import Telling

NEW = "deer/new.jpg"


class Visitor:
    """Somebody else with access to the bucket, who is no labelplan."""

    def __init__(self, s3: S3Client, bucket: Bucket) -> None:
        self._s3, self._bucket = s3, bucket

    def visit(self, what: str) -> None:
        """Do something to every second planned object, and note it in the bucket's *others*."""
        s3, bucket, others = self._s3, self._bucket.name, self._bucket.others
        if what == "add":
            self._put(NEW, b"somebody else's")
            return
        for key in self._bucket.delete[::2]:
            if what in {"delete", "recreate"}:
                marker = s3.delete_object(Bucket=bucket, Key=key).get("VersionId")
                others.markers[key] = marker or ""
            if what == "rewrite":
                self._put(key, key.encode())
            elif what != "delete":
                self._put(key, f"somebody else's {key}".encode())

    def _put(self, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket.name, Key=key, Body=body)
        self._bucket.others.written[key] = body


def apply_visited(one: Telling) -> None:
    """Somebody else changes the bucket in the middle of an apply."""
    _await_visit(one)
    one.apply(one.disturbance)
    one.note()
    one.finish_apply()
    if one.disturbance.visit != "rewrite":  # the same bytes may be hidden, until undo
        one.judge(after_visit(one.stage.s3, one.bucket))
    one.finish_undo()
    # what he deleted between a batch's look and its delete counts as the run's (docs/decisions/0005), so undo shows it
    one.judge(after_visit(one.stage.s3, one.bucket, markers=False))


def undo_visited(one: Telling) -> None:
    """Somebody else changes the bucket in the middle of an undo."""
    run = one.be_applied()
    _await_visit(one)
    one.undo(run, one.disturbance)
    one.note()
    one.finish_undo()
    one.judge(after_visit(one.stage.s3, one.bucket))


def _await_visit(one: Telling) -> None:
    one.part_is_enough = True
    one.stage.proxy.visitor = Visitor(one.stage.s3, one.bucket).visit


def apply_twice(one: Telling) -> None:
    """Somebody applies the same plan while the first apply is in the middle of it."""
    sleeper = one.stop_one("apply", applying(one.bucket))
    if sleeper:
        one.beside(applying(one.bucket))
        one.go_on(sleeper)
        one.finish_apply()
        one.finish_undo()


def apply_overslept(one: Telling) -> None:
    """An apply sleeps until its lock has run out, another one finishes the run, and the first wakes up."""
    sleeper = one.stop_one("apply", applying(one.bucket))
    if sleeper:
        one.stage.let_leases_run_out()
        one.beside(applying(one.bucket))
        one.nothing_is_lost()
        one.go_on(sleeper)
        one.nothing_is_lost()
        one.finish_apply()
        one.finish_undo()


def apply_overslept_and_undone(one: Telling) -> None:
    """An apply sleeps until its lock has run out, the run is undone, and the apply wakes up."""
    sleeper = one.stop_one("apply", applying(one.bucket))
    if sleeper:
        one.stage.let_leases_run_out()
        for run in one.runs():
            one.beside(undoing(one.bucket, run))
        one.go_on(sleeper)
        one.nothing_is_lost()
        one.finish_undo()


def undo_overslept(one: Telling) -> None:
    """An undo sleeps until its lock has run out, another one finishes, and the first wakes up."""
    run = one.be_applied()
    sleeper = one.stop_one("undo", undoing(one.bucket, run))
    if sleeper:
        one.stage.let_leases_run_out()
        one.beside(undoing(one.bucket, run))
        one.go_on(sleeper)
        one.finish_undo()


def undo_overslept_and_applied(one: Telling) -> None:
    """An undo sleeps until its lock has run out, somebody applies the plan once more, and the undo wakes up."""
    run = one.be_applied()
    sleeper = one.stop_one("undo", undoing(one.bucket, run))
    if sleeper:
        one.stage.let_leases_run_out()
        one.beside(applying(one.bucket))
        one.go_on(sleeper)
        one.finish_undo()
