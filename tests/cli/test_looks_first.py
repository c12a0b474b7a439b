"""What is found out before a person is asked, and what he is told when S3 refused, against a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import AwsRefused
from labelplan.store.interface import Deleted
from labelplan.store.s3 import S3Writer
from tests.cli.making import KEYS, listed
from tests.cli.test_runs import hold_the_lock

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

Say = Callable[..., Any]
THEN = "for the credentials in use, then run the same command again."


@pytest.fixture
def run(say: Say) -> str:
    """A run that has deleted both bad images; as BUCKET/RUN_ID."""
    say("plan", "deer.yaml")
    applied: str = json.loads(say("apply", "deer.plan.json", "--auto-approve", "--json")[1])["run"]
    return applied


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The only keys that may be deleted."""
    keys: set[str] = set()
    delete = S3Writer.delete_current

    def only_those(writer: S3Writer, key: str, etag: str) -> Deleted:
        if key in keys:
            return delete(writer, key, etag)
        return Deleted("denied", message=f"AccessDenied: no s3:DeleteObject for {key}")

    monkeypatch.setattr(S3Writer, "delete_current", only_those)
    return keys


@pytest.mark.parametrize("command", ["apply deer.plan.json", "undo RUN", "runs purge RUN"])
def test_nobody_is_asked_while_somebody_else_is_at_work(
    say: Say, s3: S3Client, bucket: str, run: str, command: str
) -> None:
    if command.startswith("apply"):
        say("undo", run, "--auto-approve")
        say("plan", "deer.yaml")
    hold_the_lock(s3, bucket)
    written = {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    code, _, err = say(*(run if word == "RUN" else word for word in command.split()))
    assert (code, "is locked by" in err, "nobody can be asked" in err) == (8, True, False)
    assert {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]} == written


@pytest.mark.parametrize("allowed_to", [True, False])
def test_versions_that_cannot_be_listed_are_found_out_before_anybody_is_asked(
    say: Say, s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch, *, allowed_to: bool
) -> None:
    refusal = (
        "Cannot list versions in s3://b: no answer." if allowed_to else "Cannot list: access denied (AccessDenied)."
    )

    def refuse(*_: object) -> Any:
        raise AwsRefused(refusal, hint="Check the network")

    say("plan", "deer.yaml")
    monkeypatch.setattr(S3Writer, "versions_of", refuse)
    code, _, err = say("apply", "deer.plan.json", "--auto-approve")
    advice = "Check the network" if allowed_to else f"Allow s3:ListBucketVersions in arn:aws:s3:::{bucket}."
    assert (code, refusal in err, advice in err, "Trying out" in err) == (10, True, True, False)
    names = {one["Key"] for one in s3.list_object_versions(Bucket=bucket)["Versions"]}
    assert not [name for name in names if name.startswith(".labelplan")]


def test_a_plan_that_deletes_nothing_is_applied_without_looking(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (tmp_path / "deer.yaml").read_text()
    (tmp_path / "deer.yaml").write_text(text + "protect: ['deer/*']\n")
    say("plan", "deer.yaml")
    monkeypatch.setattr(S3Writer, "versions_of", None)
    assert say("apply", "deer.plan.json", "--auto-approve")[:2] == (0, "Apply complete: 0 deleted.\n")


def test_undo_says_which_run_how_many_and_when_before_it_asks(say: Say, bucket: str, run: str) -> None:
    code, _, err = say("undo", run)
    assert (code, "Nothing was changed: this is no terminal" in err) == (1, True)
    assert err.startswith(f"The run {run} (complete) began 20")
    assert " UTC. It deleted 2 objects, and was done at 20" in err.splitlines()[0]
    assert "This brings back whatever of it is still deleted; nothing newer is touched.\n" in err
    say("undo", run, "--auto-approve")
    assert "UTC: 2 restored.\n" in say("undo", run)[2]
    assert "nobody can be asked" not in say("undo", f"{bucket}/20261122T1405Z-3f9a")[2]
    assert "nobody can be asked" not in say("undo", "no-such-bucket-here/20261122T1405Z-3f9a")[2]


@pytest.mark.usefixtures("allowed")
def test_where_s3_allowed_no_delete_it_is_said_once_with_what_to_allow_and_no_undo_is_offered(
    say: Say, s3: S3Client, bucket: str
) -> None:
    say("plan", "deer.yaml")
    code, out, _ = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 10
    assert out.splitlines() == [
        "  failed  deer/car.jpg, deer/hunter.jpg: it is still there: AccessDenied: no s3:DeleteObject for deer/car.jpg",
        "Apply incomplete: 0 deleted, 2 failed.",
        f"Allow s3:DeleteObject, s3:GetObject in arn:aws:s3:::{bucket} {THEN}",
        "All that labelplan needs: docs/apply-and-undo.md, Permissions.",
    ]
    assert set(listed(s3, bucket)) == KEYS


def test_where_s3_allowed_some_deletes_the_exit_code_is_3_and_undo_is_offered(say: Say, allowed: set[str]) -> None:
    allowed.add("deer/car.jpg")
    say("plan", "deer.yaml")
    code, out, _ = say("apply", "deer.plan.json", "--auto-approve")
    assert (code, out.splitlines()[1]) == (3, "Apply incomplete: 1 deleted, 1 failed.")
    assert out.splitlines()[-1].startswith("Undo with: labelplan undo ")
    allowed.add("deer/hunter.jpg")
    assert say("apply", "deer.plan.json", "--auto-approve")[1].startswith("Apply complete: 2 deleted.\nUndo with: ")
