"""A purge ends one run's way back for good, and takes nothing that is not that run's."""

from __future__ import annotations

import ast
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from msgspec import Raw
from msgspec.structs import replace

import labelplan
from labelplan.errors import AlreadyApplied, AwsRefused, NoWayBack, RunNotFound, WrongTarget
from labelplan.flow.purge import Doomed
from labelplan.flow.runs import read_summary
from labelplan.planfile.trust import load_trust
from labelplan.rules.purging import ANOTHER, COVERED
from labelplan.store.runs import RunRecord, run_names
from labelplan.store.s3 import open_writer
from labelplan.store.s3_purge import S3Purger, open_purger
from tests.flow.applying import COPY, KEYS, Diary, apply, content, history, undo, write_plan
from tests.flow.copying import ALL, new_bucket
from tests.flow.purging import OPTIONS, fill, look, purge, versions
from tests.simulators.s3.running import running
from tests.wire import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from labelplan.planfile.keys import Signer
    from tests.simulators.s3.running import Simulator


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
    simulator.forget()
    return boto3.session.Session().client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    """A bucket with versioning, where each of five pictures has an older version."""
    return fill(s3, new_bucket(s3, "Enabled"))


@pytest.fixture
def plan(bucket: str, tmp_path: Path) -> Path:
    """A plan that deletes the first three of five."""
    return write_plan(tmp_path / "p", bucket, KEYS[:3])


def test_exactly_the_versions_that_the_run_hides_are_gone_for_good(s3: S3Client, bucket: str, plan: Path) -> None:
    before = versions(s3, bucket)
    run = apply(plan, bucket, capabilities=ALL).run
    markers = {one for one in history(s3, bucket) if one[2]}
    assert look(run) == Doomed(3, sum(len(key) for key in KEYS[:3]))
    purged = purge(run)
    assert (purged.run, purged.counts, purged.others, purged.in_part) == (run, {"erased": 3}, (), False)
    gone = {key for key in before if key[0] in KEYS[:3] and before[key] == key[0].encode()}
    assert len(gone) == 3
    assert versions(s3, bucket) == {key: body for key, body in before.items() if key not in gone}
    assert {one for one in history(s3, bucket) if one[2]} == markers


def test_nothing_is_erased_by_looking(s3: S3Client, bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    before = history(s3, bucket)
    with recorded() as wire:
        look(run)
    assert not [one for one in wire.sent if one.changes and one.bucket]
    assert history(s3, bucket) == before


def test_a_purged_run_is_recorded_cannot_be_undone_and_its_plan_not_applied_again(bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    purge(run)
    summary = read_summary(open_writer(bucket), run.partition("/")[2])
    assert summary.state == "purged"
    assert summary.purged
    assert summary.purged.counts == {"erased": 3}
    undone = undo(run)
    assert undone.counts == {"failed": 3}
    assert "ended on purpose on 2026-11-22" in undone.others[0].message
    with pytest.raises(AlreadyApplied):
        apply(plan, bucket, capabilities=ALL)


def test_an_interrupted_run_that_was_purged_does_not_go_on(s3: S3Client, bucket: str, plan: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        apply(plan, bucket, capabilities=ALL, stop=stop)
    (run,) = run_names(open_writer(bucket))
    with pytest.raises(KeyboardInterrupt):
        purge(f"{bucket}/{run}", stop=stop)  # a purge that was only begun is enough
    with pytest.raises(AlreadyApplied):
        apply(plan, bucket, capabilities=ALL)
    assert len(content(s3, bucket)) == 5


def test_purging_again_is_fine_and_finds_nothing(s3: S3Client, bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    purge(run)
    before = history(s3, bucket)
    assert (look(run), purge(run).counts) == (Doomed(0, 0), {})
    assert history(s3, bucket) == before


def test_what_was_restored_stays_and_what_others_replaced_or_deleted_is_said_to_be_there_still(
    s3: S3Client, bucket: str, plan: Path
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    undo(run, keys=[KEYS[0]])
    s3.put_object(Bucket=bucket, Key=KEYS[1], Body=b"newer")
    s3.delete_object(Bucket=bucket, Key=KEYS[2])  # a second marker, of somebody else's
    before = history(s3, bucket)
    assert look(run) == Doomed(0, 0, {COVERED: 1, ANOTHER: 1})
    purged = purge(run)
    assert (purged.counts, purged.in_part) == ({"kept": 2}, True)
    assert [(one.key, one.message) for one in purged.others] == [(KEYS[1], COVERED), (KEYS[2], ANOTHER)]
    assert history(s3, bucket) == before
    assert RunRecord(open_writer(bucket), run.partition("/")[2]).purged() is None


def test_another_run_s_deletes_stay(s3: S3Client, bucket: str, plan: Path, tmp_path: Path) -> None:
    first = apply(plan, bucket, capabilities=ALL).run
    undo(first)
    second = apply(write_plan(tmp_path / "q", bucket, KEYS[:3]), bucket, capabilities=ALL).run
    assert purge(first).counts == {}
    assert undo(second).counts == {"restored": 3}
    assert {key: seen[0] for key, seen in content(s3, bucket).items()} == {key: key.encode() for key in KEYS}


def test_a_locked_version_is_reported_and_the_purge_not_closed(simulator: Simulator, bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    simulator.rules({"operation": "DeleteObjects", "code": "AccessDenied", "status": 403})
    purged = purge(run)
    simulator.clear_rules()
    assert (purged.counts, purged.in_part) == ({"failed": 3}, True)
    assert "AccessDenied" in purged.others[0].message
    record = RunRecord(open_writer(bucket), run.partition("/")[2])
    assert record.purged() is None
    assert purge(run).counts == {"erased": 3}
    assert record.purged() is not None


def test_a_busy_server_is_asked_again_and_a_lost_reply_is_looked_after(
    simulator: Simulator, bucket: str, plan: Path
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    simulator.rules({"operation": "DeleteObjects", "code": "SlowDown", "status": 503})
    assert purge(run).counts == {"erased": 3}


def test_no_purge_in_a_bucket_that_has_no_versioning(
    s3: S3Client, bucket: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    monkeypatch.setattr(S3Purger, "versioning", lambda _: "Disabled")
    with pytest.raises(NoWayBack, match="has no versioning"):
        purge(run)
    assert len(versions(s3, bucket)) == 10


def test_a_run_that_is_not_there_or_of_another_bucket_is_refused(bucket: str, plan: Path) -> None:
    with pytest.raises(RunNotFound):
        purge(f"{bucket}/20261122T1405Z-0000")
    run = apply(plan, bucket, capabilities=ALL).run.partition("/")[2]
    record = RunRecord(open_writer(bucket), run)
    forged = "20261122T1405Z-ffff"
    start = record.start()
    RunRecord(open_writer(bucket), forged).reserve(
        replace(start, run=forged, target=replace(start.target, bucket="elsewhere"))
    )
    with pytest.raises(WrongTarget):
        purge(f"{bucket}/{forged}")


def test_a_purge_can_be_watched_and_stopped(bucket: str, plan: Path) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    diary = Diary()
    purge(run, observer=diary)
    assert diary.heard == [(bucket, 3, False), {"erased": 3}]
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        purge(run, stop=stop)


@pytest.mark.parametrize("kept_in", ["the same bucket", "another bucket", "another bucket with versioning"])
def test_copies_are_gone_for_good_with_their_old_versions(s3: S3Client, tmp_path: Path, kept_in: str) -> None:
    bucket = fill(s3, new_bucket(s3))
    backup = bucket if kept_in == "the same bucket" else new_bucket(s3, "Enabled" * ("versioning" in kept_in))
    spec = COPY.replace(b'"copy"', f'"copy","bucket":"{backup}","prefix":"labelplan/"'.encode())
    run = apply(write_plan(tmp_path / "p", bucket, KEYS[:3], spec=Raw(spec)), bucket, capabilities=ALL).run
    s3.put_object(Bucket=backup, Key="labelplan/runs/20261122T1405Z-0000/objects/deer/1.jpg", Body=b"another run's")
    assert look(run) == Doomed(3, sum(len(key) for key in KEYS[:3]))
    assert purge(run).counts == {"erased": 3}
    left = s3.list_object_versions(Bucket=backup, Prefix="labelplan/").get("Versions", [])
    assert [one["Key"] for one in left] == ["labelplan/runs/20261122T1405Z-0000/objects/deer/1.jpg"]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="deer/")["Contents"]] == KEYS[3:]
    assert undo(run).counts == {"failed": 3}


def test_copies_that_may_not_be_removed_are_reported(s3: S3Client, simulator: Simulator, tmp_path: Path) -> None:
    bucket = fill(s3, new_bucket(s3))
    run = apply(write_plan(tmp_path / "p", bucket, KEYS[:3], spec=Raw(COPY)), bucket, capabilities=ALL).run
    simulator.rules({"operation": "DeleteObjects", "code": "AccessDenied", "status": 403})
    purged = purge(run)
    simulator.clear_rules()
    assert (purged.counts, purged.others[0].key.rpartition("objects/")[2]) == ({"failed": 3}, KEYS[0])
    assert purge(run).counts == {"erased": 3}


def test_apply_and_undo_have_nothing_that_could_erase(bucket: str) -> None:
    writer: Any = open_writer(bucket)
    assert not hasattr(writer, "erase_versions")
    assert not hasattr(writer.beside("other"), "erase_versions")
    assert hasattr(open_purger(bucket).beside("other"), "erase_versions")


def test_only_the_purge_command_opens_what_can_erase() -> None:
    modules = ("labelplan.store.s3_purge", "labelplan.flow.purge", "labelplan.flow.erasing")
    importers = {module: set[str]() for module in modules}
    root = Path(labelplan.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in importers:
                importers[node.module].add(str(path.relative_to(root)))
    assert importers == dict(zip(modules, [{"cli/runs.py"}, {"cli/runs.py"}, {"flow/purge.py"}], strict=True))


@pytest.mark.parametrize("wrong", ["latest", "marker"])
def test_the_store_refuses_to_erase_what_is_latest_or_a_marker(s3: S3Client, bucket: str, wrong: str) -> None:
    if wrong == "marker":
        s3.delete_object(Bucket=bucket, Key=KEYS[0])
    purger = open_purger(bucket)
    found = purger.key_versions(KEYS[0])
    with recorded() as wire, pytest.raises(ValueError, match="only an old version may be destroyed"):
        purger.erase_versions([found[-1], found[0]])
    assert not wire.sent
    assert purger.key_versions(KEYS[0]) == found


def test_a_server_that_refuses_listings_ends_the_purge(
    simulator: Simulator, s3: S3Client, bucket: str, plan: Path
) -> None:
    run = apply(plan, bucket, capabilities=ALL).run
    simulator.rules({"operation": "ListObjectVersions", "code": "AccessDenied", "status": 403, "count": 9})
    with pytest.raises(AwsRefused):
        purge(run)
    simulator.clear_rules()
    assert len(versions(s3, bucket)) == 10
