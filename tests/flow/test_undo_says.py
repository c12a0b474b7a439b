"""What undo cannot be sure of: it brings back what may be the run's, and names the rest."""

from __future__ import annotations

import datetime as dt
import json
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from msgspec import Raw

from labelplan.errors import AwsRefused, NoWayBack, RunNotFound
from labelplan.flow import batches
from labelplan.flow.locking import Locking
from labelplan.store.runs import RunRecord
from labelplan.store.s3 import open_writer
from tests.flow.applying import COPY, SINGLE, apply, history, records, undo, write_plan
from tests.flow.copying import ALL
from tests.simulators.s3.running import running
from tests.wire import Killed, answer, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

BUCKET = "wild-life"
KEYS = [f"deer/{number}.jpg" for number in range(3)]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with running() as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
        yield simulator


@pytest.fixture
def s3(aws: Simulator) -> S3Client:
    assert aws
    return boto3.session.Session().client("s3")


@pytest.fixture
def deer(s3: S3Client) -> str:
    """A bucket with versioning and three objects."""
    return make(s3, KEYS, versioning=True)


def make(s3: S3Client, keys: list[str], *, versioning: bool) -> str:
    s3.create_bucket(Bucket=BUCKET)
    if versioning:
        turn(s3, "Enabled")
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    return BUCKET


def turn(s3: S3Client, versioning: Any) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": versioning})


def is_bulk_delete(one: Sent) -> bool:
    return one.method == "POST" and "delete" in one.query


def never(_: object) -> None:
    """Do not even reach the server."""


def killed_at_the_delete(plan: Path, *, acted: Callable[[Any], object] = lambda carry_out: carry_out()) -> str:
    """Apply, and be killed after the server *acted*; return the run."""

    def disturb(one: Sent, carry_out: Any) -> Any:
        if is_bulk_delete(one):
            acted(carry_out)
            raise Killed
        return carry_out()

    with recorded(disturb), pytest.raises(Killed):
        apply(plan, BUCKET, capabilities=ALL)
    client: S3Client = boto3.session.Session().client("s3")
    run = next(key for key in records(client, BUCKET) if key.endswith("start.json")).split("/")[2]
    return f"{BUCKET}/{run}"


def segments(s3: S3Client, run: str) -> list[str]:
    folder = f".labelplan/runs/{run.partition('/')[2]}/segments/"
    return [key for key in records(s3, BUCKET) if key.startswith(folder)]


def shown(s3: S3Client) -> set[str]:
    return {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix="deer/").get("Contents", ())}


def is_undone(run: str) -> bool:
    return RunRecord(open_writer(BUCKET), run.partition("/")[2]).undone() is not None


def test_a_record_that_lost_its_segments_is_not_an_undo_that_is_complete(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    run = apply(write_plan(tmp_path / "p", deer, KEYS), deer, capabilities=ALL).run
    for key in segments(s3, run):
        s3.delete_object(Bucket=deer, Key=key)
    undone = undo(run)
    assert (undone.counts, undone.in_part) == ({"left": 3}, True)
    assert "to remove it: aws s3api delete-object" in undone.others[0].message
    assert not is_undone(run)
    assert undo(run, keys=KEYS[:1]).counts == {"left": 1}


def test_a_record_whose_batches_are_shifted_names_what_it_does_not_know(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    run = apply(write_plan(tmp_path / "p", deer, KEYS), deer, capabilities=ALL).run
    key = f".labelplan/runs/{run.partition('/')[2]}/start.json"
    start = json.loads(s3.get_object(Bucket=deer, Key=key)["Body"].read())
    s3.put_object(Bucket=deer, Key=key, Body=json.dumps(start | {"batch": 1}).encode())
    assert undo(run).counts == {"restored": 1, "left": 2}
    assert not is_undone(run)


def test_one_file_that_makes_no_sense_keeps_nothing_from_coming_back(s3: S3Client, deer: str, tmp_path: Path) -> None:
    before = history(s3, deer)
    run = apply(write_plan(tmp_path / "p", deer, KEYS), deer, capabilities=ALL).run
    rubbish = segments(s3, run)[0].replace("000000-01", "000000-02")
    s3.put_object(Bucket=deer, Key=rubbish, Body=b"rubbish")
    assert undo(run, keys=KEYS[:1]).counts == {"restored": 1}
    assert undo(run).counts == {"present": 1, "restored": 2}
    assert history(s3, deer) == before


def test_what_a_killed_run_had_deleted_is_its_own_though_the_clocks_of_the_server_differ(
    aws: Simulator, s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan, before = write_plan(tmp_path / "p", deer, KEYS[:2]), history(s3, deer)

    def skewed(carry_out: Any) -> None:
        aws.settings(clock_shift=-2)
        carry_out()
        aws.settings(clock_shift=0)

    run = killed_at_the_delete(plan, acted=skewed)
    applied = apply(plan, deer, capabilities=ALL)
    assert (applied.run, applied.counts) == (run, {"deleted": 2})
    assert undo(run).counts == {"restored": 2}
    assert history(s3, deer) == before


def test_what_somebody_deleted_once_more_is_named_by_undo_also_after_a_resume(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])
    run = killed_at_the_delete(plan)
    s3.delete_object(Bucket=deer, Key=KEYS[0])
    assert apply(plan, deer, capabilities=ALL).counts == {"gone": 1, "deleted": 1}
    undone = undo(run)
    assert (undone.counts, undone.others[0].key) == ({"left": 1, "restored": 1}, KEYS[0])


@pytest.mark.parametrize("resumed", [False, True])
def test_what_a_person_deleted_long_after_a_run_was_killed_is_not_the_run_s(
    aws: Simulator, s3: S3Client, deer: str, tmp_path: Path, *, resumed: bool
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])
    run = killed_at_the_delete(plan, acted=never)
    aws.settings(clock_shift=2 * 3600)
    s3.delete_object(Bucket=deer, Key=KEYS[0])
    if resumed:
        assert apply(plan, deer, capabilities=ALL).counts == {"gone": 1, "deleted": 1}
    undone = undo(run)
    assert (undone.counts, undone.others[0].key) == ({"left": 1, "restored" if resumed else "present": 1}, KEYS[0])
    assert KEYS[0] not in shown(s3)


def test_what_the_server_denied_and_a_person_deleted_later_does_not_come_back(s3: S3Client, tmp_path: Path) -> None:
    bucket = make(s3, KEYS, versioning=False)
    plan = write_plan(tmp_path / "p", bucket, KEYS[:2], spec=Raw(COPY))
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{bucket}/deer/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    applied = apply(plan, bucket, capabilities=ALL)
    assert applied.counts == {"failed": 2}
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key=KEYS[0])
    assert undo(applied.run).counts == {}
    assert KEYS[0] not in shown(s3)


def test_a_denial_does_not_answer_for_an_earlier_attempt_that_nobody_heard_of(s3: S3Client, tmp_path: Path) -> None:
    bucket = make(s3, KEYS, versioning=False)
    plan = write_plan(tmp_path / "p", bucket, KEYS[:1], spec=Raw(COPY))
    run = killed_at_the_delete(plan, acted=never)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{bucket}/deer/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    assert apply(plan, bucket, capabilities=ALL).counts == {"failed": 1}
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key=KEYS[0])  # the first attempt's request, which arrives late
    assert undo(run).counts == {"restored": 1}
    assert KEYS[0] in shown(s3)


def test_single_deletes_stop_soon_when_versioning_is_switched(s3: S3Client, aws: Simulator, tmp_path: Path) -> None:
    aws.settings(ignore_bulk_etag=True)
    keys = [f"deer/{number:03}.jpg" for number in range(300)]
    bucket = make(s3, keys, versioning=False)
    turn(s3, "Enabled")  # all versions are called `null`, and each would be lost in a suspended bucket
    plan = write_plan(tmp_path / "p", bucket, keys)
    count, lock = iter(range(10_000)), threading.Lock()

    def disturb(one: Sent, carry_out: Any) -> Any:
        if one.method == "DELETE":
            with lock:
                if next(count) == 100:  # just after the second look
                    turn(s3, "Suspended")
        return carry_out()

    with recorded(disturb), pytest.raises(NoWayBack):
        apply(plan, bucket, capabilities=SINGLE)
    # what is in the way between a look and the answers to it cannot be called back; it is a hundred, not all
    assert len([key for key in keys if key in shown(s3)]) == 100
    run = next(key for key in records(s3, bucket) if key.endswith("start.json")).split("/")[2]
    assert undo(f"{bucket}/{run}").counts["restored"] == 100


def test_objects_that_cannot_be_copied_do_not_keep_the_rest_of_the_plan(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived, good = [f"deer/a{n}.jpg" for n in range(3)], [f"deer/b{n}.jpg" for n in range(3)]
    bucket = make(s3, good, versioning=False)
    for key in archived:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x", StorageClass="GLACIER")
    monkeypatch.setattr(batches, "BATCH", 3)
    monkeypatch.setattr("labelplan.flow.deleting._HOPELESS", 2)
    plan = write_plan(tmp_path / "p", bucket, [*archived, *good], spec=Raw(COPY))
    assert apply(plan, bucket, capabilities=ALL).counts == {"failed": 3, "deleted": 3}


def test_ctrl_c_before_a_batch_of_single_deletes_is_no_failure(
    deer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplan.flow.deleting._HOPELESS", 2)
    plan, stop = write_plan(tmp_path / "p", deer, KEYS), threading.Event()

    def disturb(one: Sent, carry_out: Any) -> Any:
        if ".intent." in one.key:
            stop.set()
        return carry_out()

    with recorded(disturb):
        applied = apply(plan, deer, capabilities=SINGLE, stop=stop)
    assert applied.counts == {"failed": 3}
    with pytest.raises(AwsRefused, match="none of 3 deletes worked"), recorded(refuse_deletes):
        apply(plan, deer, capabilities=SINGLE)


def refuse_deletes(one: Sent, carry_out: Any) -> Any:
    return carry_out() if one.method != "DELETE" else answer(403, "AccessDenied")


def test_what_was_already_deleted_is_recorded_when_the_run_may_not_go_on(
    s3: S3Client, deer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplan.flow.deleting.LOOKED_AT", 2)
    plan = write_plan(tmp_path / "p", deer, KEYS)
    deletes = iter(range(10))

    def disturb(one: Sent, carry_out: Any) -> Any:
        if one.method == "DELETE" and next(deletes) == 1:
            turn(s3, "Suspended")
        return carry_out()

    with recorded(disturb), pytest.raises(NoWayBack):
        apply(plan, deer, capabilities=SINGLE)
    run = next(key for key in records(s3, deer) if key.endswith("start.json")).split("/")[2]
    said = RunRecord(open_writer(deer), run).segments.read(0)
    assert [said[key].result is not None for key in KEYS] == [True, True, False]


def test_the_way_back_ends_as_early_as_it_does_now_also_for_a_run_that_began_before(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    killed_at_the_delete(plan, acted=never)
    rule = {
        "ID": "x",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 40},
    }
    configuration: Any = {"Rules": [rule]}
    s3.put_bucket_lifecycle_configuration(Bucket=deer, LifecycleConfiguration=configuration)
    until = apply(plan, deer, capabilities=ALL).undo_until
    assert until is not None
    assert until > dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def test_a_run_that_was_killed_before_the_plan_was_its_own_has_nothing_to_undo(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)

    def disturb(one: Sent, carry_out: Any) -> Any:
        if "/plans/" in one.key and one.method == "PUT":
            raise Killed
        return carry_out()

    with recorded(disturb), pytest.raises(Killed):
        apply(plan, deer, capabilities=ALL)
    orphan = next(key for key in records(s3, deer) if key.endswith("start.json")).split("/")[2]
    applied = apply(plan, deer, capabilities=ALL)
    assert orphan not in applied.run
    with pytest.raises(RunNotFound, match="stopped before it deleted anything") as raised:
        undo(f"{deer}/{orphan}")
    assert "There is nothing to undo." in raised.value.advice


def test_a_plan_that_the_record_could_not_hold_is_refused_before_anything_is_written(
    s3: S3Client, deer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplan.flow.apply.LARGEST_PLAN", 100)
    with pytest.raises(NoWayBack, match="S3 takes 5 GB at once"):
        apply(write_plan(tmp_path / "p", deer, KEYS), deer, capabilities=ALL)
    assert not [key for key in records(s3, deer) if "/runs/" in key or "/plans/" in key]


def test_what_is_there_though_its_delete_was_never_answered_is_counted(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan, before = write_plan(tmp_path / "p", deer, KEYS), history(s3, deer)
    run = killed_at_the_delete(plan, acted=never)
    undone = undo(run)
    assert (undone.counts, undone.in_part, undone.open) == ({"present": 3}, False, 3)
    assert not is_undone(run)
    etag = s3.head_object(Bucket=deer, Key=KEYS[0])["ETag"]
    s3.delete_objects(Bucket=deer, Delete={"Objects": [{"Key": KEYS[0], "ETag": etag}]})  # now it comes
    undone = undo(run)
    assert (undone.counts, undone.open) == ({"present": 2, "restored": 1}, 2)
    assert history(s3, deer) == before


def store(s3: S3Client, body: bytes) -> str:
    """Store something at the first key; return its version id."""
    return s3.put_object(Bucket=BUCKET, Key=KEYS[0], Body=body).get("VersionId", "")


@pytest.mark.parametrize("acts", ["at once", "late"])
def test_a_delete_that_was_found_changed_is_looked_at_again_when_the_newer_object_is_taken_away(
    s3: S3Client, deer: str, tmp_path: Path, acts: str
) -> None:
    newer, held = [], []

    def disturb(one: Sent, carry_out: Any) -> Any:
        if is_bulk_delete(one):
            held.append(carry_out)
            if acts == "at once":
                carry_out()
            newer.append(store(s3, b"newer"))
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
        return carry_out()

    plan, before = write_plan(tmp_path / "p", deer, KEYS), history(s3, deer)
    with recorded(disturb):
        applied = apply(plan, deer, capabilities=ALL)
    assert applied.counts["changed"] == 1
    assert undo(applied.run).counts.get("left", 0) == 0  # the newer one is no concern of undo's
    s3.delete_object(Bucket=deer, Key=KEYS[0], VersionId=newer[0])
    if acts == "late":
        with recorded():
            held[0]()
    assert undo(applied.run).counts["restored"] >= 1
    assert history(s3, deer) == before


def test_a_copy_comes_back_when_what_was_stored_after_its_delete_is_gone_as_well(s3: S3Client, tmp_path: Path) -> None:
    bucket = make(s3, KEYS, versioning=False)
    plan = write_plan(tmp_path / "p", bucket, KEYS, spec=Raw(COPY))
    run = killed_at_the_delete(plan)
    store(s3, b"newer")
    assert apply(plan, bucket, capabilities=ALL).counts == {"changed": 1, "deleted": 2}
    s3.delete_object(Bucket=bucket, Key=KEYS[0])
    assert undo(run).counts == {"restored": 3}


@pytest.mark.parametrize("mode", ["versioning", "copy"])
def test_a_denial_does_not_answer_for_an_earlier_request_of_the_same_attempt(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(batches.Pace, "hold_back", lambda *_: None)
    bucket = make(s3, KEYS, versioning=mode == "versioning")
    plan = write_plan(tmp_path / "p", bucket, KEYS, **({} if mode == "versioning" else {"spec": Raw(COPY)}))
    held: list[Any] = []

    def disturb(one: Sent, carry_out: Any) -> Any:
        if is_bulk_delete(one):
            held.append(carry_out)
            return answer(504, "GatewayTimeout") if len(held) == 1 else answer(403, "ExpiredToken")
        return carry_out()

    with recorded(disturb):
        applied = apply(plan, bucket, capabilities=ALL)
    assert applied.counts == {"failed": 3}
    with recorded():
        held[0]()
    assert not shown(s3)
    assert undo(applied.run).counts == {"restored": 3}
    assert shown(s3) == set(KEYS)


@pytest.mark.parametrize("damage", ["removed", "rubbish"])
@pytest.mark.parametrize("refused", ["the deletes", "the listing"])
def test_an_earlier_failure_does_not_stand_for_a_later_attempt_whose_files_are_lost(
    s3: S3Client, deer: str, tmp_path: Path, damage: str, refused: str
) -> None:
    def disturb(one: Sent, carry_out: Any) -> Any:
        of_objects = "versions" in one.query and not one.query.get("prefix", "").startswith(".labelplan")
        if is_bulk_delete(one) if refused == "the deletes" else of_objects:
            return answer(403, "AccessDenied")
        return carry_out()

    plan = write_plan(tmp_path / "p", deer, KEYS)
    with recorded(disturb):
        assert apply(plan, deer, capabilities=ALL).counts == {"failed": 3}
    applied = apply(plan, deer, capabilities=ALL)
    assert applied.counts == {"deleted": 3}
    for key in segments(s3, applied.run):
        if "-02." in key and damage == "removed":
            s3.delete_object(Bucket=deer, Key=key)
        elif "-02." in key:
            s3.put_object(Bucket=deer, Key=key, Body=b"rubbish")
    # what the first attempt was about to delete is the run's, also by its marker's time; of the other, nothing is known
    assert undo(applied.run).counts == {"restored" if refused == "the deletes" else "left": 3}


def test_two_processes_without_a_lock_never_share_an_attempt(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan, before = write_plan(tmp_path / "p", deer, KEYS), history(s3, deer)
    ended: list[bool] = []

    def another_is_killed(one: Sent, carry_out: Any) -> Any:
        if is_bulk_delete(one):
            carry_out()
            raise Killed
        return carry_out()

    def disturb(one: Sent, carry_out: Any) -> Any:
        if ".intent." in one.key and not ended:
            ended.append(False)
            with recorded(another_is_killed), pytest.raises(Killed):
                apply(plan, deer, capabilities=ALL, locking=Locking(disabled=True))
            ended[0] = True
        return answer(403, "AccessDenied") if is_bulk_delete(one) and ended[0] else carry_out()

    with recorded(disturb):
        run = apply(plan, deer, capabilities=ALL, locking=Locking(disabled=True)).run
    assert len([key for key in segments(s3, run) if ".intent." in key]) == 2
    assert undo(run).counts == {"restored": 3}
    assert history(s3, deer) == before
