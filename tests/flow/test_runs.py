"""What run records tell: each state of a run, what became of its objects, and that one bad record hides no other."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from labelplan.errors import RunNotFound, WrongTarget
from labelplan.flow.lock_record import LOCK, ticket
from labelplan.flow.runs import list_runs, read_run, read_summary
from labelplan.model.run import ApplyResult, RunEnd, UndoResult
from labelplan.store.runs import RunRecord
from labelplan.store.s3 import open_writer
from tests.flow.recording import OVER, RUN, STATEMENT, begun
from tests.wire import recorded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Writer

OTHER = "20261123T0900Z-00ff"
END = RunEnd(RUN, OVER, {"deleted": 2})
RESTORED = [UndoResult("a", "1", "restored"), UndoResult("b", "1", "left", "another object")]


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


def states(writer: Writer) -> dict[str, str]:
    return {run.run: run.state for run in list_runs(writer)}


def lock(s3: S3Client, bucket: str, work: str, command: str, *, ends_in: float = 3600) -> None:
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ends_in)
    held = replace(ticket(command, work), started=expires, expires=expires)
    s3.put_object(Bucket=bucket, Key=LOCK, Body=msgspec.json.encode(held))


def test_a_bucket_without_records_has_no_runs(writer: Writer) -> None:
    assert list(list_runs(writer)) == []


def test_runs_are_listed_oldest_first_and_nothing_is_changed(writer: Writer) -> None:
    begun(writer, OTHER)
    begun(writer)
    with recorded() as wire:
        assert list(states(writer)) == [RUN, OTHER]
        read_run(writer, RUN)
    assert not [one for one in wire.sent if one.changes and one.bucket]


def test_a_run_goes_through_its_states(s3: S3Client, bucket: str, writer: Writer) -> None:
    record = begun(writer)
    assert states(writer) == {RUN: "incomplete"}
    lock(s3, bucket, STATEMENT, "apply")
    assert states(writer) == {RUN: "running"}
    record.finish(END)
    lock(s3, bucket, "another statement", "apply")
    assert states(writer) == {RUN: "complete"}
    record.undo.add(0, RESTORED)
    assert states(writer) == {RUN: "undone in part"}
    record.finish_undo(RunEnd(RUN, OVER, {"restored": 1}))
    assert states(writer) == {RUN: "undone"}
    record.finish_purge(RunEnd(RUN, OVER, {"erased": 1}))
    assert states(writer) == {RUN: "purged"}
    summary = read_summary(writer, RUN)
    assert summary.applied == END
    assert (summary.undone, summary.purged) == (RunEnd(RUN, OVER, {"restored": 1}), RunEnd(RUN, OVER, {"erased": 1}))


def test_who_holds_the_lock_for_a_run_is_at_work_on_it(s3: S3Client, bucket: str, writer: Writer) -> None:
    begun(writer).finish(END)
    begun(writer, OTHER)
    lock(s3, bucket, STATEMENT, "undo")
    assert [(run.state, run.at_work) for run in list_runs(writer)] == [("complete", "undo"), ("incomplete", "undo")]


def test_a_lock_that_has_run_out_or_makes_no_sense_says_nothing(s3: S3Client, bucket: str, writer: Writer) -> None:
    begun(writer)
    lock(s3, bucket, STATEMENT, "apply", ends_in=-1)
    assert states(writer) == {RUN: "incomplete"}
    s3.put_object(Bucket=bucket, Key=LOCK, Body=b"{}")
    assert states(writer) == {RUN: "incomplete"}


@pytest.mark.parametrize("name", ["start.json", "run.json", "undone.json", "purged.json"])
def test_a_record_that_cannot_be_read_hides_no_other_run(s3: S3Client, bucket: str, writer: Writer, name: str) -> None:
    begun(writer, OTHER)
    if name != "start.json":
        begun(writer)
    s3.put_object(Bucket=bucket, Key=f".labelplan/runs/{RUN}/{name}", Body=b"{")
    bad, good = list_runs(writer)
    assert (bad.run, bad.state, bad.start, good.state) == (RUN, "unreadable", None, "incomplete")
    assert f"{name} cannot be read" in bad.message


def test_a_run_without_its_first_file_is_unreadable(writer: Writer) -> None:
    RunRecord(writer, RUN).finish(END)
    assert states(writer) == {RUN: "unreadable"}
    with pytest.raises(RunNotFound, match="holds no run"):
        read_run(writer, RUN)


def test_a_story_counts_all_and_names_what_was_not_deleted_or_not_restored(writer: Writer) -> None:
    record = begun(writer)
    done = [ApplyResult("a", "1", "deleted", "m"), ApplyResult("b", "1", "changed", message="another")]
    record.segments.settle(0, None, [*done, ApplyResult("c", "1", "failed", message="503")])
    record.segments.settle(1, None, [ApplyResult("d", "1", "gone", message="somebody")])
    record.undo.add(0, RESTORED)
    record.undo.add(0, [UndoResult("a", "1", "present"), UndoResult("b", "1", "failed", "503")])
    story = read_run(writer, RUN)
    assert story.counts == {"deleted": 1, "changed": 1, "failed": 1, "gone": 1}
    assert [(one.key, one.message) for one in story.others] == [("b", "another"), ("c", "503"), ("d", "somebody")]
    assert story.undo_counts == {"present": 1, "failed": 1}  # the last word on each
    assert story.undo_others == (UndoResult("b", "1", "failed", "503"),)


def test_a_story_names_no_more_than_is_wanted(writer: Writer) -> None:
    record = begun(writer)
    record.segments.settle(0, None, [ApplyResult(key, "1", "gone") for key in "abcde"])
    record.undo.add(0, [UndoResult(key, "1", "left") for key in "abcde"])
    story = read_run(writer, RUN, 2)
    assert (story.counts, [one.key for one in story.others]) == ({"gone": 5}, ["a", "b"])
    assert (story.undo_counts, [one.key for one in story.undo_others]) == ({"left": 5}, ["a", "b"])


def test_the_record_of_another_bucket_is_not_this_bucket_s_run(writer: Writer) -> None:
    begun(writer, target=replace(writer.target(), bucket="elsewhere"))
    for read in (read_run, read_summary):
        with pytest.raises(WrongTarget, match="of the bucket elsewhere"):
            read(writer, RUN)


@pytest.mark.parametrize("name", ["nope", "../plans", "20261122T1405Z-3F9A", f"{RUN}/x"])
def test_what_can_be_no_run_is_not_looked_for(writer: Writer, name: str) -> None:
    with recorded() as wire, pytest.raises(RunNotFound, match="is not the name of a run"):
        read_run(writer, name)
    assert not wire.sent
