"""The run record: names, who owns a plan, results over several attempts, and records that make no sense."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.errors import RunNotFound
from labelplan.model.run import ApplyResult
from labelplan.store.runs import RunRecord, check_name, claim, claim_key, read_claim, run_name
from labelplan.store.s3 import open_writer

if TYPE_CHECKING:
    from labelplan.store.interface import Writer

RUN, OTHER = "20261122T1405Z-3f9a", "20261122T1405Z-0b1c"
SHA = "ab" * 32


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


@given(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(9999, 1, 1)), st.from_regex("[0-9a-f]{4,16}", fullmatch=True))  # noqa: DTZ001 - bounds
def test_every_run_has_a_name_that_is_one(when: dt.datetime, token: str) -> None:
    assert check_name(run_name(when, token))


def test_a_run_is_named_by_its_minute_and_a_token() -> None:
    assert run_name(dt.datetime(2026, 11, 22, 14, 5, 59, tzinfo=dt.UTC), "3f9a") == RUN


@pytest.mark.parametrize("name", ["", "..", RUN + "/..", "../" + RUN, RUN + "\n", RUN.lower(), "20261122T1405Z-3f9"])
def test_nothing_else_is_a_run(name: str) -> None:
    with pytest.raises(RunNotFound, match="is not the name of a run"):
        check_name(name)


def test_the_first_run_to_claim_a_plan_owns_it(writer: Writer) -> None:
    assert read_claim(writer, SHA) is None
    assert claim(writer, SHA, RUN) == RUN
    assert claim(writer, SHA, OTHER) == RUN
    assert claim(writer, SHA, RUN) == RUN
    assert read_claim(writer, SHA) == RUN


@pytest.mark.parametrize("body", [b"", b"{}", b'{"run":7}', b'{"run":"../../deer"}'])
def test_a_claim_that_makes_no_sense_is_refused(writer: Writer, body: bytes) -> None:
    writer.put_once(claim_key(SHA), body)
    with pytest.raises(RunNotFound):
        read_claim(writer, SHA)


def result(key: str, outcome: str) -> ApplyResult:
    return ApplyResult(key, "v1", outcome, "m" if outcome == "deleted" else "")  # type: ignore[arg-type]  # a test's word


def test_results_of_several_attempts_come_in_order(writer: Writer) -> None:
    first, second = RunRecord(writer, RUN), RunRecord(writer, RUN)
    batches = [[result(f"deer/{number}", "deleted")] for number in range(4)]
    first.results.add(batches[0])
    second.results.add(batches[1])  # another process, at the same time
    first.results.add(batches[2])
    second.results.add(batches[3])
    assert list(RunRecord(writer, RUN).results.read()) == [one for batch in batches for one in batch]
    folder = f".labelplan/runs/{RUN}/results/"
    assert [key for key, _ in writer.list_records(folder)] == [f"{folder}{number:06}.jsonl" for number in range(4)]


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
    record = RunRecord(writer, RUN)
    for outcome in outcomes:
        record.results.add([result("deer/1.jpg", outcome)])
    assert record.outcomes() == {"deer/1.jpg": result("deer/1.jpg", final)}


def test_a_record_that_cannot_be_read_is_named(writer: Writer) -> None:
    folder = f".labelplan/runs/{RUN}/"
    writer.put_once(folder + "results/000000.jsonl", b'{"key":1}\n')
    writer.put_once(folder + "run.json", b"not JSON")
    record = RunRecord(writer, RUN)
    with pytest.raises(RunNotFound, match=r"results/000000\.jsonl cannot be read"):
        record.outcomes()
    with pytest.raises(RunNotFound, match=r"run\.json cannot be read"):
        record.start()


def test_a_run_that_is_not_there_is_not_found(writer: Writer) -> None:
    record = RunRecord(writer, RUN)
    with pytest.raises(RunNotFound, match=f"no run {RUN}"):
        record.start()
    with pytest.raises(RunNotFound, match=f"no run {RUN}"):
        record.start_time()
    assert (record.end(), record.undone(), record.undone_time()) == (None, None, None)
