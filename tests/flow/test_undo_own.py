"""Whose a delete is: undo takes back the run's own, all of them, and nobody else's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError
from msgspec import Raw
from msgspec.structs import replace

from labelplan.errors import AlreadyApplied, NoWayBack
from labelplan.flow import batches
from labelplan.flow.lock import hold
from labelplan.flow.locking import Locking
from labelplan.model.run import RunStart
from labelplan.model.spec import Backup
from labelplan.planfile.reader import open_plan
from labelplan.store.runs import RunRecord, claim
from labelplan.store.s3 import open_writer
from tests.flow.applying import (
    COPY,
    KEYS,
    NOON,
    SINGLE,
    apply,
    content,
    history,
    one_at_a_time,
    records,
    undo,
    write_plan,
)
from tests.wire import Killed, answer, answers, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.wire import Sent


def is_delete(one: Sent) -> bool:
    return one.method == "DELETE"


def between(s3: S3Client, bucket: str, body: bytes, then: Any) -> Any:
    """Let somebody store *body* at the first key just before it is deleted; what follows is up to *then*."""

    def disturb(one: Sent, carry_out: Any) -> Any:
        if is_delete(one):
            s3.put_object(Bucket=bucket, Key=KEYS[0], Body=body, Metadata={"by": "somebody"})
            return then(carry_out)
        return carry_out()

    return disturb


def lost(carry_out: Any) -> Any:
    carry_out()
    raise ConnectionClosedError(endpoint_url="http://127.0.0.1")


def refused(carry_out: Any) -> Any:
    carry_out()
    return answer(412, "PreconditionFailed")


def killed(carry_out: Any) -> Any:
    carry_out()
    raise Killed


@pytest.mark.parametrize("then", [lost, refused])
def test_the_same_bytes_stored_just_before_come_back_whatever_the_reply_was(
    s3: S3Client, deer: str, tmp_path: Path, then: Any
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1])
    with one_at_a_time(), recorded(between(s3, deer, KEYS[0].encode(), then)):
        applied = apply(plan, deer)
    assert applied.counts == {"deleted": 1}
    assert undo(applied.run).counts == {"restored": 1}
    assert content(s3, deer)[KEYS[0]][2] == {"by": "somebody"}


@pytest.mark.parametrize("go_on", [True, False])
def test_the_same_bytes_stored_just_before_come_back_after_a_kill(
    s3: S3Client, deer: str, tmp_path: Path, *, go_on: bool
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1])
    with one_at_a_time(), recorded(between(s3, deer, KEYS[0].encode(), killed)), pytest.raises(Killed):
        apply(plan, deer)
    run = next(key for key in records(s3, deer) if "/runs/" in key).split("/")[2]
    if go_on:
        assert apply(plan, deer).counts == {"deleted": 1}
    assert undo(f"{deer}/{run}").counts == {"restored": 1}
    assert content(s3, deer)[KEYS[0]][2] == {"by": "somebody"}


UNCHECKED = replace(SINGLE, single_delete=False)


@pytest.mark.parametrize("then", [lost, killed])
def test_where_the_server_does_not_compare_something_newer_that_was_hidden_is_shown_again(
    s3: S3Client, deer: str, tmp_path: Path, then: Any
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1])

    def newer_comes(one: Sent, carry_out: Any) -> Any:
        if "delete" in one.query:
            wire.disturb = None
            s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"newer")
            return then(carry_out)
        return carry_out()

    with one_at_a_time(), recorded(newer_comes) as wire:
        try:
            applied = apply(plan, deer, capabilities=UNCHECKED)
        except Killed:
            wire.disturb = None
            applied = apply(plan, deer, capabilities=UNCHECKED)
    assert applied.counts == {"changed": 1}
    assert KEYS[0] not in content(s3, deer)
    undone = undo(applied.run)
    assert undone.in_part
    assert content(s3, deer)[KEYS[0]][0] == b"newer"


def test_what_another_run_or_person_deleted_after_an_undo_stays_deleted(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    first, second = write_plan(tmp_path / "1", deer, KEYS[:2]), write_plan(tmp_path / "2", deer, KEYS[:2])
    with recorded(answers(is_delete, lambda: answer(403, "AccessDenied"))):
        failed = apply(first, deer)
    assert undo(failed.run).counts == {}
    apply(second, deer)
    after = history(s3, deer)
    assert undo(failed.run).counts == {}
    assert history(s3, deer) == after


def test_an_undo_that_waited_for_the_lock_knows_what_was_recorded_meanwhile(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan, before = write_plan(tmp_path / "p", deer, KEYS), history(s3, deer)
    stop = threading.Event()

    class Stops:
        def started(self, *_: object, **__: object) -> None:
            pass

        def progressed(self, _: object) -> None:
            stop.set()

    with one_at_a_time(batch=2), pytest.raises(KeyboardInterrupt):
        apply(plan, deer, observer=Stops(), stop=stop)
    run = next(key for key in records(s3, deer) if "/runs/" in key).split("/")[2]
    writer = open_writer(deer)

    def the_apply_ends(_: str) -> None:
        apply(plan, deer)
        somebody.__exit__(None, None, None)

    somebody = hold(writer, command="apply", work="another")
    somebody.__enter__()
    undone = undo(f"{deer}/{run}", locking=Locking(timeout=30, waiting=the_apply_ends))
    assert undone.counts == {"restored": 5}
    assert history(s3, deer) == before


def test_a_forged_start_cannot_take_the_copies_away(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1], spec=Raw(COPY))
    store, forged = open_writer(deer), RunRecord(open_writer(deer), "20261122T1405Z-dead")
    with open_plan(plan) as opened:
        start = RunStart(
            "labelplan/run/1",
            forged.run,
            opened.statement_sha256,
            opened.sha256,
            store.target(),
            NOON,
            "SHA256:evil",
            Backup(),
            SINGLE,
            "single",
            1000,
        )
        claim(store, opened.statement_sha256, forged.run)
    forged.reserve(start)
    with recorded() as wire, pytest.raises(AlreadyApplied, match="not this plan's"):
        apply(plan, deer)
    assert not wire.deletes()


def test_copies_are_refused_where_the_server_does_not_compare_what_is_copied(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1], spec=Raw(COPY))
    with recorded() as wire, pytest.raises(NoWayBack, match="a late copy could overwrite a good one"):
        apply(plan, deer)
    assert not wire.deletes()


def test_versioning_is_looked_at_again_before_a_delete_is_sent_again(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1])
    seen: list[str] = []

    def busy_once(one: Sent, carry_out: Any) -> Any:
        if "versioning" in one.query:
            seen.append("versioning")
        if is_delete(one):
            seen.append("delete")
            if seen.count("delete") == 1:
                return answer(503, "SlowDown")
        return carry_out()

    with one_at_a_time(), recorded(busy_once):
        assert apply(plan, deer).counts == {"deleted": 1}
    assert seen[-3:] == ["delete", "versioning", "delete"]
    assert batches.TRIES > 1


def test_a_run_that_was_stopped_between_intent_and_delete_looks_around_before_it_deletes(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan, before = write_plan(tmp_path / "p", deer, KEYS), history(s3, deer)

    def another_finishes_and_undoes(one: Sent, carry_out: Any) -> Any:
        reply = carry_out()
        if ".intent." in one.key and one.changes:
            wire.disturb = None
            undo(apply(plan, deer).run)
        return reply

    with recorded(another_finishes_and_undoes) as wire, pytest.raises(AlreadyApplied, match="undone"):
        apply(plan, deer)
    assert history(s3, deer) == before


def test_one_segment_that_cannot_be_read_does_not_keep_the_others_from_coming_back(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    with one_at_a_time(batch=2):
        run = apply(write_plan(tmp_path / "p", deer, KEYS), deer).run
    folder = f".labelplan/runs/{run.split('/')[1]}/segments/"
    s3.put_object(Bucket=deer, Key=folder + "000000-01.done.jsonl.zst", Body=b"garbled")
    s3.delete_object(Bucket=deer, Key=folder + "000001-01.intent.jsonl.zst")
    assert undo(run).counts == {"restored": 5}
    assert RunRecord(open_writer(deer), run.split("/")[1]).undone() is None
