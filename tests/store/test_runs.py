"""The run record: names, who owns a plan, results over several attempts, and records that make no sense."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.errors import RunNotFound
from labelplan.store.runs import RunRecord, check_name, claim, claim_key, read_claim, run_name, run_names
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
    with pytest.raises(RunNotFound, match=f"plans/{SHA} cannot be read") as refused:
        read_claim(writer, SHA)
    assert refused.value.advice.endswith(f"aws s3 cp s3://BUCKET/{claim_key(SHA)} -")


def test_a_record_that_cannot_be_read_is_named(writer: Writer) -> None:
    folder = f".labelplan/runs/{RUN}/"
    writer.put_once(folder + "start.json", b"not JSON")
    with pytest.raises(RunNotFound, match=r"start\.json cannot be read"):
        RunRecord(writer, RUN).start()


def test_runs_are_listed_by_name_each_once(writer: Writer) -> None:
    for run in (RUN, OTHER):
        for name in ("start.json", "plan.json"):
            writer.put_once(f".labelplan/runs/{run}/{name}", b"{}")
    writer.put_once(".labelplan/runs/nonsense/start.json", b"{}")
    assert list(run_names(writer)) == [OTHER, RUN]


def test_a_run_that_is_not_there_is_not_found(writer: Writer) -> None:
    record = RunRecord(writer, RUN)
    with pytest.raises(RunNotFound, match=f"no run {RUN}"):
        record.start()
    with pytest.raises(RunNotFound, match=f"no run {RUN}"):
        record.start_time()
    assert (record.end(), record.undone()) == (None, None)


@pytest.mark.parametrize("name", ["undo/000000-01.jsonl.zst", "undone.json", "purged.json"])
def test_a_run_goes_on_until_it_is_undone_or_its_way_back_ended(writer: Writer, name: str) -> None:
    record, folder = RunRecord(writer, RUN), f".labelplan/runs/{RUN}/"
    for other in ("segments/000000-01.intent.jsonl.zst", "start.json", "run.json"):
        writer.put_once(folder + other, b"{}")
    writer.put_once(f".labelplan/runs/{OTHER}/{name}", b"{}")
    assert record.may_go_on()
    assert not record.undo_begun()
    writer.put_once(folder + name, b"{}")
    assert not record.may_go_on()
    assert record.undo_begun() is name.startswith("undo")


def test_a_server_that_knows_no_folders_hides_no_undo(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    writer.put_once(f".labelplan/runs/{RUN}/undo/000000-01.jsonl.zst", b"{}")
    monkeypatch.setattr(
        type(writer),
        "names_in",
        lambda self, folder: {key.removeprefix(folder) for key, _ in self.list_records(folder)},
    )
    assert not RunRecord(writer, RUN).may_go_on()
