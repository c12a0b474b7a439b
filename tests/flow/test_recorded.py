"""Undo and purge hold the bucket to the owner that the record names; a record that names another one helps nobody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
import pytest
from msgspec.structs import replace

from labelplan.errors import WrongTarget
from labelplan.flow.locking import Locking
from labelplan.flow.purge import purge_run
from labelplan.flow.undo import undo_run
from labelplan.model.run import RunStart
from labelplan.planfile.trust import load_trust
from labelplan.store.s3 import open_writer
from labelplan.store.s3_purge import open_purger
from tests.flow.applying import COPY, KEYS, UNLOCKED, apply, noon, write_plan
from tests.flow.copying import ALL, new_bucket
from tests.flow.purging import fill
from tests.simulators.s3.running import running
from tests.wire import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

    from labelplan.planfile.keys import Signer
    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

ACCOUNT, OTHER = "123456789012", "999988887777"
OWNER = "x-amz-expected-bucket-owner"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture
def s3(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
    return boto3.session.Session().client("s3")


@pytest.fixture(params=["versioning", "copy"])
def run(request: pytest.FixtureRequest, s3: S3Client, signer: Signer, tmp_path: Path) -> str:
    """A run that deleted three objects, of either way back, by somebody who named the owner."""
    copies = request.param == "copy"
    bucket = fill(s3, new_bucket(s3, "" if copies else "Enabled"))
    target = open_writer(bucket, account=ACCOUNT).target()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.flow.applying.FakeSigner", lambda: signer)
        spec: dict[str, Any] = {"spec": msgspec.Raw(COPY)} if copies else {}
        plan = write_plan(tmp_path / "p", bucket, KEYS[:3], target=target, **spec)
        patch.setattr("tests.flow.applying.open_writer", lambda name: open_writer(name, account=ACCOUNT))
        return apply(plan, bucket, capabilities=ALL).run


def undo(run: str, account: str | None = "") -> Any:
    bucket, _, run_id = run.partition("/")
    return undo_run(open_writer(bucket, account=account), run_id, now=noon, **UNLOCKED)


def purge(run: str, signer: Signer) -> Any:
    bucket, _, run_id = run.partition("/")
    trust = load_trust(None, {}, Path(), lambda: signer.public, allow_own_key=True)
    return purge_run(open_purger(bucket, account=""), run_id, trust, locking=Locking(disabled=True), now=noon)


def say_account(s3: S3Client, run: str, account: str) -> None:
    """Forge the record."""
    bucket, _, run_id = run.partition("/")
    key = f".labelplan/runs/{run_id}/start.json"
    start = msgspec.json.decode(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), type=RunStart)
    forged = msgspec.json.encode(replace(start, target=replace(start.target, account=account)))
    s3.put_object(Bucket=bucket, Key=key, Body=forged)


def owners_of_changes(sent: list[Sent]) -> set[str | None]:
    return {one.headers.get(OWNER) for one in sent if one.changes}


def test_whatever_an_undo_changes_names_the_owner_of_the_record(s3: S3Client, run: str) -> None:
    with recorded() as wire:
        assert undo(run).counts == {"restored": 3}
    assert owners_of_changes(wire.sent) == {ACCOUNT}
    copies = [one.headers for one in wire.sent if "/objects/" in one.headers.get("x-amz-copy-source", "")]
    assert all(one["x-amz-source-expected-bucket-owner"] == ACCOUNT for one in copies)
    listed = s3.list_objects_v2(Bucket=run.partition("/")[0], Prefix="deer/")
    assert {one["Key"] for one in listed["Contents"]} == set(KEYS)


def test_whatever_a_purge_changes_names_the_owner_of_the_record(run: str, signer: Signer) -> None:
    with recorded() as wire:
        assert purge(run, signer).counts["erased"] >= 3
    assert owners_of_changes(wire.sent) == {ACCOUNT}


@pytest.mark.parametrize("act", [lambda run, _: undo(run), purge], ids=["undo", "purge"])
@pytest.mark.parametrize("account", [OTHER, "1\r\nx-amz-acl: public-read"])
def test_another_owner_in_the_record_ends_it_before_anything_is_changed(
    s3: S3Client, run: str, signer: Signer, act: Callable[[str, Signer], Any], account: str
) -> None:
    say_account(s3, run, account)
    said = f"does not belong to the account {OTHER}, as the run" if account == OTHER else "an owner that cannot be one"
    with recorded() as wire, pytest.raises(WrongTarget, match=said):
        act(run, signer)
    assert not any(one.changes for one in wire.sent)


def test_the_owner_that_somebody_asked_for_stays_whatever_the_record_says(s3: S3Client, run: str) -> None:
    say_account(s3, run, OTHER)
    with recorded() as wire:
        assert undo(run, ACCOUNT).counts == {"restored": 3}
    assert owners_of_changes(wire.sent) == {ACCOUNT}


def test_without_an_owner_in_the_record_none_is_named(s3: S3Client, run: str) -> None:
    say_account(s3, run, "")
    with recorded() as wire:
        assert undo(run).counts == {"restored": 3}
    assert owners_of_changes(wire.sent) == {None}
