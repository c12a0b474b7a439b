"""What apply refuses before it changes anything, and what it goes on with."""

from __future__ import annotations

import hashlib
import itertools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labelplan.errors import AlreadyApplied, AwsRefused, NoWayBack, PartialPlan, PlanCorrupt, PlanExpired, WrongTarget
from labelplan.flow.apply import apply_plan, check_plan
from labelplan.model.objects import Target
from labelplan.model.plan import Decision
from labelplan.model.run import RunStart
from labelplan.model.spec import Backup
from labelplan.planfile.reader import open_plan
from labelplan.store.runs import claim_key
from labelplan.store.s3 import open_writer
from tests.flow.applying import (
    EXPIRES,
    KEYS,
    NOON,
    SINGLE,
    UNLOCKED,
    Diary,
    apply,
    content,
    noon,
    one_at_a_time,
    records,
    undo,
    write_decisions,
    write_plan,
)
from tests.wire import Killed, answer, recorded

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.wire import Sent, Wire


@contextmanager
def refused(error: type[Exception], match: str) -> Iterator[pytest.ExceptionInfo[Any]]:
    """Expect an error, and nothing sent that changes."""
    with recorded() as wire, pytest.raises(error, match=match) as caught:
        yield caught
    assert not [one for one in wire.sent if one.changes and one.bucket]


def test_a_partial_plan_never_applies(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS, partial="--sample 10")
    with refused(PartialPlan, "--sample 10"):
        apply(plan, deer)


@pytest.mark.parametrize("field", ["bucket", "endpoint", "account", "region"])
def test_a_plan_for_another_target_is_refused(deer: str, tmp_path: Path, field: str) -> None:
    target = open_writer(deer).target()
    other = msgspec.structs.replace(target, **{field: "" if field == "endpoint" else "another"})
    plan = write_plan(tmp_path / "p", deer, KEYS, target=other)
    with refused(WrongTarget, f"made for the {field} (another|of AWS), and this is"):
        apply(plan, deer)


@pytest.mark.parametrize("state", ["Suspended", None])
def test_without_versioning_nothing_is_deleted_and_the_command_that_turns_it_on_is_named(
    s3: S3Client, tmp_path: Path, bucket: str, state: Any
) -> None:
    name = bucket if state else f"{bucket}-plain"
    if state:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": state})
    else:
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key=KEYS[0], Body=b"deer")
    plan = write_plan(tmp_path / "p", name, KEYS)
    with refused(NoWayBack, "could not be brought back") as caught:
        apply(plan, name)
    assert (
        f"aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled"
        in caught.value.advice
    )
    assert "15 minutes" in caught.value.advice


def test_versioning_that_is_switched_off_meanwhile_stops_the_next_batch(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    suspended = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"

    def suspend(one: Sent, carry_out: Any) -> Any:
        if wire.deletes() and "versioning" in one.query:
            return answer(200, body=suspended)
        return carry_out()

    with recorded(suspend) as wire, one_at_a_time(batch=2), pytest.raises(NoWayBack):
        apply(plan, deer)
    assert sorted(content(s3, deer)) == KEYS[2:]
    assert apply(plan, deer).counts == {"deleted": 5}


def test_a_plan_that_would_delete_run_records_is_refused(deer: str, tmp_path: Path) -> None:
    decision = Decision(".labelplan/runs/x/run.json", "v", "e", 1, "deer", "delete", "no-evidence")
    plan = write_decisions(tmp_path / "p", [decision], target=open_writer(deer).target())
    with refused(PlanCorrupt, "a run record"):
        apply(plan, deer)


def test_a_plan_is_applied_once(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1])
    run = apply(plan, deer).run.split("/")[1]
    with refused(AlreadyApplied, f"by the run {run} on 2026-11-22 12:00 UTC"):
        apply(plan, deer)


def test_a_plan_that_was_undone_is_not_applied_again(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:1])
    run = apply(plan, deer).run.split("/")[1]
    undo(f"{deer}/{run}")
    with refused(AlreadyApplied, f"by the run {run}, and undone on 2026-11-22"):
        apply(plan, deer)


def test_a_run_that_was_undone_in_part_does_not_go_on(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan, stop = write_plan(tmp_path / "p", deer, KEYS), threading.Event()
    diary = Diary(stop)
    with one_at_a_time(batch=2), pytest.raises(KeyboardInterrupt):
        apply(plan, deer, observer=diary, stop=stop)
    run = next(key for key in records(s3, deer) if "/runs/" in key).split("/")[2]
    undo(f"{deer}/{run}", keys=[KEYS[0]])
    with refused(AlreadyApplied, "undone in part"):
        apply(plan, deer)


def test_an_expired_plan_is_refused_but_a_run_that_began_in_time_goes_on(deer: str, tmp_path: Path) -> None:
    plan, stop = write_plan(tmp_path / "p", deer, KEYS), threading.Event()

    def too_late() -> dt.datetime:
        return EXPIRES

    with refused(PlanExpired, "expired on 2999-11-29 12:00 UTC"):
        apply(plan, deer, now=too_late)
    with one_at_a_time(batch=2), pytest.raises(KeyboardInterrupt):
        apply(plan, deer, observer=Diary(stop), stop=stop)
    assert apply(plan, deer, now=too_late).counts == {"deleted": 5}


def test_whoever_asks_before_can_hear_all_refusals_without_changing_anything(deer: str, tmp_path: Path) -> None:
    path = write_plan(tmp_path / "p", deer, KEYS)
    with recorded() as wire, open_plan(path) as plan:
        ready = check_plan(plan, open_writer(deer), noon)
        assert ready.target == Target(
            plan.header.target.endpoint, plan.header.target.account, "us-east-1", deer, "Enabled"
        )
        assert not ready.resumed
    assert not [one for one in wire.sent if one.changes and one.bucket]


def test_a_run_that_began_with_another_copy_of_the_plan_is_finished_with_that_one(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    cosigned = tmp_path / "q"
    line = b'{"keyid":"SHA256:me","scheme":"sshsig","sig":'
    body = plan.read_bytes()
    start = body.index(line)
    end = body.index(b"\n", start)
    cosigned.write_bytes(body[:end] + b",\n" + body[start:end].replace(b"SHA256:me", b"SHA256:you") + body[end:])

    def plan_does_not_get_there(one: Sent, carry_out: Any) -> Any:
        return answer(503, "SlowDown") if one.key.endswith("plan.json") and one.changes else carry_out()

    with recorded(plan_does_not_get_there), pytest.raises(AwsRefused):
        apply(plan, deer)
    with refused(AlreadyApplied, "another copy of this plan"):
        apply(cosigned, deer)
    assert apply(plan, deer).counts == {"deleted": 5}
    assert len(content(s3, deer)) == 0


# --- whose the plan is ----------------------------------------------------------------------------------------------

FORGED = "20261122T1405Z-dead"


def forge(
    path: Path, bucket: str, *, start_json: bytes | None = None, stored: bytes | None = None, **changes: Any
) -> None:
    """Give the plan to a run that never was: by whoever can write to the bucket."""
    store = open_writer(bucket)
    with open_plan(path) as plan:
        start = RunStart(
            "labelplan/run/1",
            FORGED,
            plan.statement_sha256,
            plan.sha256,
            store.target(),
            NOON,
            "SHA256:evil",
            Backup(),
            SINGLE,
            "single",
            1000,
        )
        store.put_once(claim_key(plan.statement_sha256), b'{"run":"%s"}' % FORGED.encode())
    if start_json is None:
        start_json = msgspec.json.encode(msgspec.structs.replace(start, **changes))
    store.put_once(f".labelplan/runs/{FORGED}/start.json", start_json)
    if stored is not None:
        store.put_once(f".labelplan/runs/{FORGED}/plan.json", stored)


@pytest.mark.parametrize(
    "forged",
    [
        {"start_json": b"x"},
        {"start_json": b"x", "stored": b"x"},
        {"stored": b"x"},
        {"stored": b"x", "plan_sha256": hashlib.sha256(b"x").hexdigest()},
        {"statement_sha256": "0" * 64},
        {"target": Target("", "", "us-east-1", "elsewhere", "Enabled")},
    ],
)
def test_a_claim_for_a_run_whose_record_is_not_the_plan_s_is_refused(
    deer: str, tmp_path: Path, forged: dict[str, Any]
) -> None:
    path = write_plan(tmp_path / "p", deer, KEYS)
    forge(path, deer, **forged)
    with refused(AlreadyApplied, f"the run {FORGED}, but the record of that run is not this plan's") as caught:
        apply(path, deer)
    assert "plan again" in caught.value.advice
    with open_plan(path) as plan, pytest.raises(AlreadyApplied, match=FORGED):
        check_plan(plan, open_writer(deer), noon)


def test_a_forged_claim_does_not_make_an_expired_plan_younger(deer: str, tmp_path: Path) -> None:
    long_ago = NOON.replace(year=2020)
    path = write_plan(tmp_path / "p", deer, KEYS, created=long_ago, expires=long_ago.replace(day=23))
    forge(path, deer, stored=path.read_bytes(), started=long_ago)
    with refused(PlanExpired, f"expired on 2020-11-23 12:00 UTC, before the run {FORGED} began"):
        apply(path, deer)


def test_a_claim_that_somebody_forges_after_the_question_is_refused_too(deer: str, tmp_path: Path) -> None:
    path = write_plan(tmp_path / "p", deer, KEYS)
    with recorded() as wire:

        def forged_in_between(one: Sent, carry_out: Any) -> Any:
            if one.changes and "/plans/" in one.key:
                wire.disturb = None
                forge(path, deer, start_json=b"x")
            return carry_out()

        wire.disturb = forged_in_between
        with pytest.raises(AlreadyApplied, match=FORGED):
            apply(path, deer)
    assert not wire.deletes()


@pytest.mark.parametrize("touch", [lambda body: body + b"\n", lambda body: body[:-1], lambda body: b"#" + body[1:]])
def test_a_plan_that_is_touched_after_it_was_checked_deletes_nothing_and_applies_once_it_is_good_again(
    deer: str, tmp_path: Path, touch: Any
) -> None:
    path = write_plan(tmp_path / "p", deer, KEYS)
    good = path.read_bytes()
    with recorded() as wire, open_plan(path) as plan:
        check_plan(plan, open_writer(deer), noon)
        path.write_bytes(touch(good))
        with pytest.raises(PlanCorrupt, match="changed after it was checked"):
            apply_plan(plan, open_writer(deer), signer="SHA256:me", now=noon, capabilities=SINGLE, **UNLOCKED)
    assert not wire.deletes()
    path.write_bytes(good)
    applied = apply(path, deer)
    assert applied.counts == {"deleted": 5}
    assert undo(applied.run).counts == {"restored": 5}


def test_a_record_that_does_not_hold_what_was_sent_is_found_out_before_the_first_delete(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    path = write_plan(tmp_path / "p", deer, KEYS)

    def spoilt_on_the_way(one: Sent, carry_out: Any) -> Any:
        reply = carry_out()
        if one.changes and one.key.endswith("plan.json"):
            wire.disturb = None
            s3.put_object(Bucket=deer, Key=one.key, Body=path.read_bytes() + b"\n")
        return reply

    with recorded(spoilt_on_the_way) as wire, pytest.raises(AlreadyApplied, match="not this plan's"):
        apply(path, deer)
    assert not wire.deletes()


# --- an undo at the same time ---------------------------------------------------------------------------------------


def undone_before(number: int, bucket: str, wire: Wire) -> Any:
    """Let somebody undo the whole run before the delete of this number, from 0, of keys that come one at a time."""
    deletes = itertools.count()

    def disturb(one: Sent, carry_out: Any) -> Any:
        if one.method == "DELETE" and next(deletes) == number:
            wire.disturb = None
            run = next(key for key, _ in open_writer(bucket).list_records(".labelplan/runs/")).split("/")[2]
            undo(f"{bucket}/{run}")
        return carry_out()

    return disturb


@pytest.mark.parametrize(("number", "present"), [(2, 3), (4, 4)])
def test_an_apply_that_is_undone_meanwhile_stops_and_a_second_undo_brings_the_rest_back(
    s3: S3Client, deer: str, tmp_path: Path, number: int, present: int
) -> None:
    before = content(s3, deer)
    path = write_plan(tmp_path / "p", deer, KEYS)
    with one_at_a_time(batch=1), recorded() as wire:
        wire.disturb = undone_before(number, deer, wire)
        with pytest.raises(AlreadyApplied, match="is being undone") as caught:
            apply(path, deer)
    assert "undo it once more" in caught.value.advice
    run = records(s3, deer)[-1].split("/")[2]
    assert undo(f"{deer}/{run}").counts == {"present": present, "restored": 1}
    assert content(s3, deer) == before


def test_what_a_run_deleted_after_an_undo_before_it_was_killed_comes_back_with_the_next_undo(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    before = content(s3, deer)
    path = write_plan(tmp_path / "p", deer, KEYS)

    def killed_after_its_delete(one: Sent, carry_out: Any) -> Any:
        if one.method != "DELETE":
            return carry_out()
        undone_before(0, deer, wire)(one, carry_out)
        wire.disturb = dead
        raise Killed

    def dead(*_: object) -> Any:
        raise Killed

    with one_at_a_time(), recorded() as wire:
        wire.disturb = killed_after_its_delete
        with pytest.raises(Killed):
            apply(path, deer)
    assert KEYS[0] not in content(s3, deer)
    run = records(s3, deer)[-1].split("/")[2]
    assert f".labelplan/runs/{run}/undone.json" not in records(s3, deer)
    assert undo(f"{deer}/{run}").counts == {"restored": 1, "present": 4}
    assert content(s3, deer) == before
