"""What apply refuses before it changes anything, and what it goes on with."""

from __future__ import annotations

import datetime as dt
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labelplan.errors import AlreadyApplied, AwsRefused, NoWayBack, PartialPlan, PlanCorrupt, PlanExpired, WrongTarget
from labelplan.flow.apply import check_plan
from labelplan.flow.undo import undo_run
from labelplan.model.objects import Target
from labelplan.model.plan import Decision
from labelplan.planfile.reader import open_plan
from labelplan.store.s3 import open_writer
from tests.flow.applying import (
    KEYS,
    NOON,
    Diary,
    apply,
    content,
    noon,
    one_at_a_time,
    records,
    write_decisions,
    write_plan,
)
from tests.wire import answer, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.wire import Sent


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
    undo_run(open_writer(deer), run, now=noon)
    with refused(AlreadyApplied, f"by the run {run}, and undone on 2026-11-22"):
        apply(plan, deer)


def test_a_run_that_was_undone_in_part_does_not_go_on(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan, stop = write_plan(tmp_path / "p", deer, KEYS), threading.Event()
    diary = Diary(stop)
    with one_at_a_time(batch=2), pytest.raises(KeyboardInterrupt):
        apply(plan, deer, observer=diary, stop=stop)
    run = next(key for key in records(s3, deer) if "/runs/" in key).split("/")[2]
    undo_run(open_writer(deer), run, [KEYS[0]])
    with refused(AlreadyApplied, "undone in part"):
        apply(plan, deer)


def test_an_expired_plan_is_refused_but_a_run_that_began_in_time_goes_on(deer: str, tmp_path: Path) -> None:
    plan, stop = write_plan(tmp_path / "p", deer, KEYS), threading.Event()

    def next_year() -> dt.datetime:
        return NOON + dt.timedelta(days=365)

    with refused(PlanExpired, "expired on 2026-11-29 12:00 UTC"):
        apply(plan, deer, now=next_year)
    with one_at_a_time(batch=2), pytest.raises(KeyboardInterrupt):
        apply(plan, deer, observer=Diary(stop), stop=stop)
    assert apply(plan, deer, now=next_year).counts == {"deleted": 5}


def test_whoever_asks_before_can_hear_all_refusals_without_changing_anything(deer: str, tmp_path: Path) -> None:
    path = write_plan(tmp_path / "p", deer, KEYS)
    with recorded() as wire, open_plan(path) as plan:
        assert check_plan(plan, open_writer(deer), noon) == Target(
            plan.header.target.endpoint, plan.header.target.account, "us-east-1", deer, "Enabled"
        )
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
