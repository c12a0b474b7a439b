"""What a purge must not do: miss an apply that was at work, erase what is shown again, believe a forged record."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from labelplan.errors import LabelplanError, Locked, NoWayBack, PartialPlan, PlanCorrupt, UnknownSigner, WrongTarget
from labelplan.flow.lock_record import LOCK, ticket
from labelplan.flow.locking import Locking
from labelplan.model.spec import Backup
from labelplan.planfile.keys import find_signer, generate_key
from labelplan.planfile.reader import open_plan
from labelplan.planfile.trust import load_trust
from labelplan.rules.purging import UNRECORDED
from labelplan.store.s3 import open_writer
from labelplan.store.s3_purge import S3Purger
from tests.flow.applying import COPY, KEYS, Diary, apply, content, history, one_at_a_time, undo, write_plan
from tests.flow.copying import ALL, new_bucket
from tests.flow.purging import OPTIONS, fill, look, markers, purge, record_of, versions
from tests.flow.recording import begun
from tests.simulators.s3.running import running
from tests.wire import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

    from labelplan.planfile.keys import Signer
    from tests.simulators.s3.running import Simulator

BUSY = {"operation": "DeleteObjects", "code": "SlowDown", "status": 503}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture(autouse=True)
def _trusted(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """All plans are signed with one's own key, which is trusted."""
    monkeypatch.setattr("tests.flow.applying.FakeSigner", lambda: signer)
    monkeypatch.setitem(OPTIONS, "trust", load_trust(None, {}, Path(), lambda: signer.public, allow_own_key=True))


@pytest.fixture
def s3(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
    simulator.clear_rules()
    return boto3.session.Session().client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return fill(s3, new_bucket(s3, "Enabled"))


@pytest.fixture
def plan(bucket: str, tmp_path: Path) -> Path:
    """A plan that deletes the first three of five."""
    return write_plan(tmp_path / "p", bucket, KEYS[:3])


@pytest.fixture
def stranger(tmp_path: Path) -> Signer:
    generate_key(tmp_path / "stranger")
    return find_signer(str(tmp_path / "stranger"), {})


def in_the_pause(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let somebody act while a busy server is waited for, for the first time."""
    acts = [act]
    monkeypatch.setattr("labelplan.flow.batches.Pace.hold_back", lambda *_: acts and acts.pop()())


def with_copies(s3: S3Client, tmp_path: Path, versioning: str = "") -> tuple[str, str, str]:
    """Apply a plan whose way back are copies; return the run, their bucket, and the key of the first one."""
    bucket, backup = fill(s3, new_bucket(s3)), new_bucket(s3, versioning)
    spec = COPY.replace(b'"copy"', f'"copy","bucket":"{backup}","prefix":"labelplan/"'.encode())
    run = apply(write_plan(tmp_path / "p", bucket, KEYS[:3], spec=Raw(spec)), bucket, capabilities=ALL).run
    return run, backup, f"labelplan/runs/{run.partition('/')[2]}/objects/{KEYS[0]}"


class TheOther:
    """Stands in for the event that a wait ends early: an apply goes on and ends during the first wait for its lock."""

    def __init__(self, s3: S3Client, bucket: str, go_on: Callable[[], object]) -> None:
        """Hold the lock."""
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        held = replace(ticket("apply", "work"), host="elsewhere", started=expires, expires=expires)
        s3.put_object(Bucket=bucket, Key=LOCK, Body=msgspec.json.encode(held))
        self._go_on = go_on
        self._release: Callable[[], object] = lambda: s3.delete_object(Bucket=bucket, Key=LOCK)

    def is_set(self) -> bool:
        return False

    def wait(self, _: float) -> bool:
        self._go_on()
        self._release()
        return False


def half_way(plan: Path, bucket: str) -> str:
    """Stop an apply after its first batch, of one object; return the run."""
    stop = threading.Event()
    with one_at_a_time(1), pytest.raises(KeyboardInterrupt):
        apply(plan, bucket, capabilities=ALL, stop=stop, observer=Diary(stop))
    (claimed,) = {key.split("/")[2] for key, _ in open_writer(bucket).list_records(".labelplan/runs/")}
    return f"{bucket}/{claimed}"


def test_what_an_apply_deletes_while_the_lock_is_waited_for_goes_too(s3: S3Client, bucket: str, plan: Path) -> None:
    run = half_way(plan, bucket)
    before = len(markers(s3, bucket))
    assert 0 < before < 3
    other: Any = TheOther(s3, bucket, lambda: apply(plan, bucket, capabilities=ALL))
    assert purge(run, locking=Locking(timeout=60), stop=other).counts == {"erased": 3}
    assert record_of(run).purged() is not None


def test_a_stopped_run_is_ended_before_what_it_deleted_is_looked_up(s3: S3Client, bucket: str, plan: Path) -> None:
    run = half_way(plan, bucket)
    hidden = len(markers(s3, bucket))
    assert purge(run).counts == {"erased": hidden}
    record = record_of(run)
    end, purged = record.end(), record.purged()
    assert (end and end.counts, purged and purged.counts) == ({"deleted": hidden}, {"erased": hidden})


def test_what_is_shown_again_while_a_busy_server_is_waited_for_stays(
    simulator: Simulator, s3: S3Client, bucket: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    before = versions(s3, bucket)
    marker = markers(s3, bucket)[KEYS[0]]
    in_the_pause(monkeypatch, lambda: s3.delete_object(Bucket=bucket, Key=KEYS[0], VersionId=marker))
    simulator.rules(BUSY)
    purged = purge(run)
    assert content(s3, bucket)[KEYS[0]][0] == KEYS[0].encode()
    assert {one for one in before if one[0] == KEYS[0]} <= set(versions(s3, bucket))
    assert (purged.counts, purged.in_part) == ({"erased": 2, "kept": 1}, True)
    assert "is not hidden by the run's delete marker any more" in purged.others[0].message
    assert record_of(run).purged() is None
    assert purge(run).counts == {}


def test_what_an_earlier_request_erased_after_all_is_not_sent_again(
    simulator: Simulator, bucket: str, plan: Path
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    simulator.rules(BUSY | {"after": True})
    with recorded() as wire:
        assert purge(run).counts == {"erased": 3}
    assert len([one for one in wire.sent if one.method == "POST"]) == 1


def test_a_copy_that_is_shown_again_in_the_pause_stays(
    simulator: Simulator, s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, backup, copy = with_copies(s3, tmp_path, "Enabled")

    def show() -> None:
        s3.delete_object(Bucket=backup, Key=copy, VersionId=markers(s3, backup)[copy])

    in_the_pause(monkeypatch, show)
    simulator.rules(BUSY | {"skip": 1})
    assert purge(run).counts == {"erased": 2, "failed": 1}
    assert s3.get_object(Bucket=backup, Key=copy)["Body"].read() == KEYS[0].encode()
    assert record_of(run).purged() is None
    assert purge(run).counts == {"erased": 1}


def test_what_is_stored_over_a_copy_in_the_pause_stays(
    simulator: Simulator, s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, backup, copy = with_copies(s3, tmp_path)
    in_the_pause(monkeypatch, lambda: s3.put_object(Bucket=backup, Key=copy, Body=b"somebody's"))
    simulator.rules(BUSY)
    assert purge(run).counts == {"erased": 3}  # the copy itself is gone
    assert s3.get_object(Bucket=backup, Key=copy)["Body"].read() == b"somebody's"


def test_a_server_that_stays_busy_is_left_alone_in_the_end(simulator: Simulator, bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    simulator.rules(BUSY | {"count": 100})
    purged = purge(run)
    assert (purged.counts, purged.in_part) == ({"failed": 3}, True)
    simulator.clear_rules()
    assert purge(run).counts == {"erased": 3}


def test_the_right_to_go_on_is_asked_for_before_every_request(
    simulator: Simulator, s3: S3Client, bucket: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    leases = iter([None])

    def require(_: object) -> None:
        if next(leases, "lost"):
            raise Locked("lost")

    monkeypatch.setattr("labelplan.flow.lock.NoLock.require", require)
    simulator.rules(BUSY)
    with pytest.raises(Locked):
        purge(run)
    assert len(versions(s3, bucket)) == 10


def refused(s3: S3Client, run: str, error: type[LabelplanError], **options: Any) -> LabelplanError:
    """Make sure that a purge of the run, and a look at it, are refused before anything is changed."""
    bucket = run.partition("/")[0]
    before = history(s3, bucket)
    with recorded() as wire:
        for act in (look, purge):
            with pytest.raises(error) as raised:
                act(run, **options)
    assert not [one for one in wire.sent if one.changes and one.bucket]
    assert history(s3, bucket) == before
    assert raised.value.advice
    return raised.value


def test_a_record_with_a_plan_that_nobody_trusted_signed_is_refused(
    s3: S3Client, bucket: str, tmp_path: Path, stranger: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.flow.applying.FakeSigner", lambda: stranger)
    run = apply(write_plan(tmp_path / "s", bucket, KEYS[:3]), bucket, capabilities=ALL).run
    refused(s3, run, UnknownSigner)
    theirs = load_trust(None, {}, Path(), lambda: stranger.public, allow_own_key=True)
    assert purge(run, trust=theirs).counts == {"erased": 3}


def test_an_expired_plan_s_run_can_be_purged(bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    assert purge(run, now=lambda: dt.datetime(3000, 1, 1, tzinfo=dt.UTC)).counts == {"erased": 3}


def forge(bucket: str, plan: Path, **start: Any) -> str:
    """Write a record for a plan of one's own choice, as whoever may write there can; return the run."""
    body = plan.read_bytes()
    with open_plan(plan) as opened:
        statement = opened.statement_sha256
    made = {"statement_sha256": statement, "plan_sha256": hashlib.sha256(body).hexdigest()} | start
    record = begun(open_writer(bucket), **made)
    assert record.put_plan(io.BytesIO(body))
    return f"{bucket}/{record.run}"


def test_a_plan_for_another_bucket_is_no_word_on_this_one(s3: S3Client, bucket: str, tmp_path: Path) -> None:
    elsewhere = fill(s3, new_bucket(s3, "Enabled"))
    error = refused(s3, forge(bucket, write_plan(tmp_path / "q", elsewhere, KEYS)), PlanCorrupt)
    assert "is not what the plan says" in error.what


def test_another_place_for_the_copies_than_the_signed_one_is_refused(s3: S3Client, bucket: str, plan: Path) -> None:
    refused(s3, forge(bucket, plan, backup=Backup("copy", None, "deer/")), PlanCorrupt)


def test_a_plan_that_never_applies_has_no_run(s3: S3Client, bucket: str, tmp_path: Path) -> None:
    path = write_plan(tmp_path / "q", bucket, KEYS, partial="a sample of 5")
    refused(s3, forge(bucket, path), PartialPlan)


def forget_results(s3: S3Client, run: str) -> None:
    """Leave the record as it is after a kill between a delete and its result."""
    bucket, _, run_id = run.partition("/")
    for key, _ in list(open_writer(bucket).list_records(f".labelplan/runs/{run_id}/segments/")):
        if ".done." in key:
            s3.delete_object(Bucket=bucket, Key=key)


def test_a_marker_whose_id_was_not_recorded_is_left_and_said_to_be(s3: S3Client, bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    forget_results(s3, run)
    before = history(s3, bucket)
    assert (look(run).objects, look(run).kept) == (0, {UNRECORDED: 3})
    purged = purge(run)
    assert (purged.counts, purged.in_part) == ({"kept": 3}, True)
    assert "the run did not record the id of its delete marker" in purged.others[0].message
    assert history(s3, bucket) == before
    assert record_of(run).purged() is None
    assert undo(run).counts == {"restored": 3}


def test_what_is_deleted_by_hand_after_an_undo_is_not_the_run_s_any_more(s3: S3Client, bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    undo(run)
    s3.delete_object(Bucket=bucket, Key=KEYS[0])
    before = history(s3, bucket)
    assert (look(run).objects, look(run).kept) == (0, {})
    assert purge(run).counts == {}
    assert history(s3, bucket) == before


def test_what_may_be_a_late_delete_of_the_run_or_somebody_s_own_is_not_erased(
    s3: S3Client, bucket: str, plan: Path
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    forget_results(s3, run)
    undo(run)
    s3.delete_object(Bucket=bucket, Key=KEYS[0])
    before = history(s3, bucket)
    assert (look(run).objects, look(run).kept) == (0, {UNRECORDED: 1})
    assert purge(run).counts == {"kept": 1}
    assert history(s3, bucket) == before


def test_only_copies_leave_old_versions_behind(s3: S3Client, bucket: str, plan: Path, tmp_path: Path) -> None:
    assert not look(apply(plan, bucket, capabilities=ALL).run).versions_stay
    assert not look(with_copies(s3, tmp_path)[0]).versions_stay
    copied = write_plan(tmp_path / "c", bucket, KEYS[3:], spec=Raw(COPY))
    run = apply(copied, bucket, capabilities=ALL).run
    assert look(run).versions_stay
    before = set(versions(s3, bucket))
    assert purge(run).counts == {"erased": 2}
    assert set(versions(s3, bucket)) == before


def test_what_is_refused_comes_with_what_to_do_next(
    s3: S3Client, bucket: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    start = record_of(run).start()
    other = begun(open_writer(bucket), target=replace(start.target, bucket="elsewhere")).run
    assert "below .labelplan/" in refused(s3, f"{bucket}/{other}", WrongTarget).advice
    monkeypatch.setattr(S3Purger, "versioning", lambda _: "Disabled")
    with pytest.raises(NoWayBack) as raised:
        purge(run)
    assert "another bucket of the same name" in raised.value.advice


def test_a_record_that_lost_its_segments_is_no_way_back_that_has_ended(s3: S3Client, bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    folder = f".labelplan/runs/{run.partition('/')[2]}/segments/"
    for key, _ in list(open_writer(bucket).list_records(folder)):
        s3.delete_object(Bucket=bucket, Key=key)
    before = history(s3, bucket)
    purged = purge(run)
    assert (purged.counts, purged.in_part) == ({"kept": 3}, True)
    assert record_of(run).purged() is None
    assert history(s3, bucket) == before
