"""Segments: what was about to be deleted, what became of it, over several attempts and processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import zstandard

from labelplan.errors import RunNotFound
from labelplan.model.run import ApplyResult, Intent, UndoResult
from labelplan.store.s3 import open_writer
from labelplan.store.segments import NOTHING, Segments, UndoSegments, pack

if TYPE_CHECKING:
    from labelplan.store.interface import Writer

FOLDER = ".labelplan/runs/20261122T1405Z-3f9a/segments/"
KEY = "deer/1.jpg"
INTENT = Intent(KEY, "v1", "e1", 4)


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


def result(outcome: str, key: str = KEY) -> ApplyResult:
    return ApplyResult(key, "v1", outcome, "m" if outcome == "deleted" else "")  # type: ignore[arg-type]  # a test's word


def names(writer: Writer) -> list[str]:
    return [key.removeprefix(FOLDER) for key, _ in writer.list_records(FOLDER)]


def test_a_batch_is_intended_then_settled(writer: Writer) -> None:
    segments = Segments(writer, FOLDER)
    attempt = segments.intend(7, [INTENT])
    segments.settle(7, attempt, [result("deleted")])
    assert names(writer) == ["000007-01.done.jsonl.zst", "000007-01.intent.jsonl.zst"]
    times = dict(writer.list_records(FOLDER))
    said = Segments(writer, FOLDER).read(7)[KEY]
    assert (said.intent, said.result) == (INTENT, result("deleted"))
    assert said.since == times[f"{FOLDER}000007-01.intent.jsonl.zst"]
    assert said.until == times[f"{FOLDER}000007-01.done.jsonl.zst"]
    assert Segments(writer, FOLDER).batches() == [7]


def test_an_intent_alone_says_that_it_may_have_been_deleted(writer: Writer) -> None:
    Segments(writer, FOLDER).intend(0, [INTENT])
    said = Segments(writer, FOLDER).read(0)[KEY]
    assert (said.intent, said.result, said.until, said.settled) == (INTENT, None, None, False)
    assert said.since is not None


def test_what_nothing_was_recorded_of_is_not_there(writer: Writer) -> None:
    assert Segments(writer, FOLDER).read(0) == {}
    assert not NOTHING.settled


def test_an_attempt_takes_the_next_free_number(writer: Writer) -> None:
    first, second = Segments(writer, FOLDER), Segments(writer, FOLDER)
    assert first.batches() == second.batches() == []
    assert first.intend(0, [INTENT]) == 1
    assert second.intend(0, [Intent("deer/2.jpg", "v", "e", 1)]) == 2  # another process, at the same time
    first.settle(0, 1, [result("failed")])
    second.settle(0, 1, [result("gone")])  # somebody was faster: beside it, not over it
    assert names(writer) == [
        "000000-01.done.jsonl.zst",
        "000000-01.intent.jsonl.zst",
        "000000-02.done.jsonl.zst",
        "000000-02.intent.jsonl.zst",
    ]
    assert Segments(writer, FOLDER).intend(0, [INTENT]) == 3


def test_a_batch_without_anything_to_delete_is_settled_without_an_intent(writer: Writer) -> None:
    Segments(writer, FOLDER).settle(3, None, [result("gone")])
    said = Segments(writer, FOLDER).read(3)[KEY]
    assert (said.intent, said.since, said.result) == (None, None, result("gone"))


def test_what_another_process_recorded_since_is_read_when_asked_for(writer: Writer) -> None:
    mine = Segments(writer, FOLDER)
    assert mine.read(0) == {}
    Segments(writer, FOLDER).intend(0, [INTENT])
    assert mine.read(0) == {}
    assert mine.read(0, anew=True)[KEY].intent == INTENT


@pytest.mark.parametrize(
    ("outcomes", "final"),
    [
        (["failed", "deleted"], "deleted"),
        (["failed", "changed"], "changed"),
        (["deleted", "gone"], "deleted"),
        (["gone", "deleted"], "deleted"),
        (["failed", "failed"], "failed"),
    ],
)
def test_an_object_that_one_attempt_deleted_is_deleted(writer: Writer, outcomes: list[str], final: str) -> None:
    for outcome in outcomes:
        segments = Segments(writer, FOLDER)
        segments.settle(0, segments.intend(0, [INTENT]), [result(outcome)])
    said = Segments(writer, FOLDER).read(0)[KEY]
    assert said.result == result(final)
    assert said.settled is (final != "failed")


@pytest.mark.parametrize(
    "body", [b"", b"no zstd", pack([UndoResult(KEY, "v", "left")]), zstandard.compress(b"no JSON")]
)
def test_a_segment_that_cannot_be_read_is_named(writer: Writer, body: bytes) -> None:
    writer.put_once(FOLDER + "000000-01.intent.jsonl.zst", body)
    with pytest.raises(RunNotFound, match=r"000000-01\.intent\.jsonl\.zst cannot be read"):
        Segments(writer, FOLDER).read(0)


def test_what_is_no_segment_is_passed_over(writer: Writer) -> None:
    for name in ("notes.txt", "000000-01.jsonl.zst", "x/000000-01.done.jsonl.zst"):
        writer.put_once(FOLDER + name, b"x")
    assert Segments(writer, FOLDER).batches() == []


def test_what_undo_did_is_read_in_order(writer: Writer) -> None:
    undo, folder = UndoSegments(writer, FOLDER), FOLDER
    words = [[UndoResult(KEY, "v1", "failed")], [UndoResult("deer/2.jpg", "v1", "restored")]]
    again = [UndoResult(KEY, "v1", "restored")]
    undo.add(0, words[0])
    undo.add(1, words[1])
    undo.add(0, again)
    writer.put_once(folder + "notes.txt", b"x")
    assert list(UndoSegments(writer, folder).read()) == [*words[0], *again, *words[1]]
    assert set(UndoSegments(writer, folder).times(0)) == {KEY}
    assert UndoSegments(writer, folder).times(7) == {}


def test_a_segment_that_unpacks_to_far_too_much_is_refused(writer: Writer) -> None:
    writer.put_once(FOLDER + "000000-01.intent.jsonl.zst", zstandard.compress(b" " * (65 << 20)))
    with pytest.raises(RunNotFound, match="too large"):
        Segments(writer, FOLDER).read(0)
