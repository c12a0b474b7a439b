"""Runs as their user meets them, against a real S3 server: announced, listed, shown, locked, undone in part, purged."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from labelplan.flow.lock_record import LOCK, ticket
from tests.cli.making import BAD, KEYS, SPEC, listed
from tests.flow.applying import SINGLE
from tests.flow.copying import ALL

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

Say = Callable[..., Any]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(say: Say) -> str:
    """A run that has deleted both bad images; as BUCKET/RUN_ID."""
    say("plan", "deer.yaml")
    applied: str = json.loads(say("apply", "deer.plan.json", "--auto-approve", "--json")[1])["run"]
    return applied


def hold_the_lock(s3: S3Client, bucket: str) -> None:
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    held = replace(ticket("apply", "work"), host="elsewhere", owner="bob\x1b", started=expires, expires=expires)
    s3.put_object(Bucket=bucket, Key=LOCK, Body=msgspec.json.encode(held))


def test_apply_says_how_all_comes_back_and_how_it_deletes_before_it_asks(say: Say) -> None:
    say("plan", "deer.yaml")
    code, out, err = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 0
    before, _, after = err.partition("\nRun ")
    assert "Plan: 2 to delete, 12 to keep, 1 unreadable.\nTrying out what the server honours" in before
    assert (
        "The way back: the versions of the bucket.\nCan be undone at any time: nothing that could be read ends"
        in before
    )
    assert "Deletes: one object a request, for the server compares ETags only there" in before
    assert after
    assert re.fullmatch(r"Apply complete: 2 deleted\.\nUndo with: labelplan undo \S+\n", out)


def test_apply_says_until_when_it_can_be_undone(say: Say, s3: S3Client, bucket: str) -> None:
    rule: Any = {"ID": "old", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 90}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    say("plan", "deer.yaml")
    code, out, err = say("apply", "deer.plan.json", "--auto-approve", "--json")
    applied = json.loads(out)
    until = dt.datetime.fromisoformat(applied["undo_until"])
    assert (code, applied["strategy"]) == (0, "single")
    assert 89 <= (until - dt.datetime.now(dt.UTC)).days <= 91
    (said,) = re.findall(r"Can be undone until (.*) UTC\.", err)  # before the run begins, so perhaps a minute earlier
    assert dt.timedelta(0) <= until - dt.datetime.fromisoformat(f"{said}Z") < dt.timedelta(minutes=10)


def test_a_way_back_that_is_too_short_is_refused_before_anything_is_written(
    say: Say, s3: S3Client, bucket: str, tmp_path: Path
) -> None:
    rule: Any = {"ID": "old", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 9}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    say("plan", "deer.yaml")
    assert say("apply", "deer.plan.json", "--auto-approve")[0] == 12
    assert all(not one["Key"].startswith(".labelplan") for one in s3.list_objects_v2(Bucket=bucket)["Contents"])
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket=bucket) + "backup: {keep_days: 5}\n")
    say("plan", "deer.yaml")
    assert say("apply", "deer.plan.json", "--auto-approve")[0] == 0


def test_copies_are_announced_with_their_place_and_price_and_bring_all_back(
    say: Say, s3: S3Client, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = replace(SINGLE, copy_source=True)  # moto's server is not
    monkeypatch.setattr("labelplan.store.s3.S3Writer.probe", lambda _: able)
    before = listed(s3, bucket)
    s3.create_bucket(Bucket=f"{bucket}-backup")
    text = SPEC.format(bucket=bucket) + f"backup: {{mode: copy, bucket: {bucket}-backup, prefix: labelplan/}}\n"
    (tmp_path / "deer.yaml").write_text(text)
    assert "versioning" not in say("plan", "deer.yaml")[1]
    code, out, err = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 0
    assert f"each object is copied first, to s3://{bucket}-backup/labelplan/runs/<run>/objects/\n" in err
    assert "  2 COPY requests: less than $0.01; 0.0 MB kept: less than $0.01 a month\n" in err
    assert set(listed(s3, bucket)) == KEYS - set(BAD)
    name = out.rpartition("Undo with: labelplan undo ")[2].strip()
    shown = say("show", name)[1]
    assert f"way back  copies under s3://{bucket}-backup/labelplan/runs/{name.partition('/')[2]}/objects/" in shown
    assert say("undo", name, "--auto-approve")[0] == 0
    assert listed(s3, bucket) == before


def test_nobody_to_ask_means_that_nothing_is_tried_out(say: Say, s3: S3Client, bucket: str) -> None:
    say("plan", "deer.yaml")
    _, _, err = say("apply", "deer.plan.json")
    assert "Add --auto-approve" in err
    assert "Trying out" not in err
    names = {one["Key"] for one in s3.list_object_versions(Bucket=bucket)["Versions"]}
    assert not [name for name in names if name.startswith(".labelplan")]


def test_the_runs_of_a_bucket_are_listed(say: Say, run: str) -> None:
    bucket, _, name = run.partition("/")
    code, out, _ = say("runs", bucket)
    assert (code, out.startswith(f"{name}  complete, begun ")) == (0, True)
    assert "2 deleted, nothing known ends its way back" in out
    told = json.loads(say("runs", f"s3://{bucket}", "--json")[1])
    assert (told["format"], told["bucket"], [one["run"] for one in told["runs"]]) == (
        "labelplan/runs/1",
        bucket,
        [name],
    )
    assert told["runs"][0]["applied"]["counts"] == {"deleted": 2}


def test_a_bucket_without_runs_and_one_that_is_not_there(say: Say, bucket: str) -> None:
    assert say("runs", bucket)[:2] == (0, f"s3://{bucket} has no runs.\n")
    assert say("runs", "no-such-bucket-here")[0] == 10


def test_a_bucket_called_purge_can_be_listed(say: Say, s3: S3Client) -> None:
    s3.create_bucket(Bucket="purge")
    assert say("runs", "s3://purge")[:2] == (0, "s3://purge has no runs.\n")
    assert say("runs", "purge")[0] == 4


def test_a_run_is_shown_with_what_became_of_its_objects(say: Say, s3: S3Client, bucket: str) -> None:
    say("plan", "deer.yaml")
    s3.put_object(Bucket=bucket, Key="deer/car.jpg", Body=b"a deer, this time")
    name = json.loads(say("apply", "deer.plan.json", "--auto-approve", "--json")[1])["run"]
    code, out, _ = say("show", name)
    assert (code, out.startswith(f"{name}: complete\n")) == (0, True)
    assert "Apply: 1 deleted, 1 kept because they have changed\n  changed  deer/car.jpg: another version" in out
    assert "  server    honours If-Match on deletes" in out
    say("undo", name, "--auto-approve")
    told = json.loads(say("show", name, "--json")[1])
    assert (told["format"], told["summary"]["state"], told["counts"]) == (
        "labelplan/show-run/1",
        "undone",
        {"changed": 1, "deleted": 1},
    )
    assert told["undo_counts"] == {"restored": 1}
    assert [one["key"] for one in told["others"]] == ["deer/car.jpg"]
    assert json.loads(say("show", f"s3://{name}", "--format", "json")[1]) == told


def test_a_file_with_a_run_s_name_is_shown_as_the_plan_that_it_is(say: Say, tmp_path: Path) -> None:
    say("plan", "deer.yaml")
    (tmp_path / "wild").mkdir()
    (tmp_path / "deer.plan.json").rename(tmp_path / "wild" / "20261122T1405Z-3f9a")
    assert "Plan: 2 to delete" in say("show", "wild/20261122T1405Z-3f9a")[1]


@pytest.mark.parametrize("option", ["--deletes", "--rule=deer", "--key=a"])
def test_options_of_a_plan_are_refused_for_a_run(say: Say, option: str) -> None:
    code, _, err = say("show", "wild/20261122T1405Z-3f9a", option)
    assert (code, "--deletes, --rule and --key are for plans" in err) == (4, True)


def test_what_is_neither_a_file_nor_a_run_is_a_missing_file(say: Say) -> None:
    code, _, err = say("show", "wild/nothing")
    assert (code, "wild/nothing" in err) == (4, True)


def test_a_run_that_is_not_there_is_said_to_be_missing(say: Say, bucket: str) -> None:
    for command in ("show", "undo", "runs purge"):
        code, _, err = say(*command.split(), f"{bucket}/20261122T1405Z-3f9a", *["--auto-approve"] * (command != "show"))
        assert (code, "holds no run 20261122T1405Z-3f9a" in err) == (1, True)


def test_undo_brings_back_what_one_label_rule_deleted(say: Say, run: str) -> None:
    code, out, err = say("undo", run, "--rule", "deer", "--auto-approve", "--json")
    assert (code, json.loads(out)["counts"]) == (0, {"restored": 2})
    assert "This brings back all that the label rule deer deleted; nothing newer is touched." in err
    assert say("undo", run, "--rule", "fish", "--auto-approve")[0] == 4


def test_undo_says_what_it_was_asked_for(say: Say, run: str) -> None:
    _, _, err = say("undo", run, "--rule", "deer", "--key", "deer/car.jpg")
    assert "This brings back 1 object of it and all that the label rule deer deleted; nothing" in err


def test_undo_ends_with_3_when_something_was_left(say: Say, s3: S3Client, bucket: str, run: str) -> None:
    s3.put_object(Bucket=bucket, Key="deer/car.jpg", Body=b"newer")
    code, out, _ = say("undo", run, "--auto-approve")
    assert (code, "Undo complete: 1 restored, 1 left as they are." in out) == (3, True)


@pytest.mark.parametrize("command", ["apply deer.plan.json", "undo RUN", "runs purge RUN"])
def test_a_locked_bucket_is_waited_for_no_longer_than_asked(
    say: Say, s3: S3Client, bucket: str, run: str, command: str
) -> None:
    if command.startswith("apply"):
        say("undo", run, "--auto-approve")
        say("plan", "deer.yaml")
    words = [run if word == "RUN" else word for word in command.split()]
    hold_the_lock(s3, bucket)
    code, _, err = say(*words, "--auto-approve")
    assert (code, "is locked by" in err, "Waiting" in err) == (8, True, False)
    code, _, err = say(*words, "--auto-approve", "--lock-timeout", "0.5")
    assert (code, 'Waiting for the lock, held by "bob\\u001b@elsewhere' in err) == (8, True)
    assert say(*words, "--auto-approve", "--no-lock")[0] == 0


def test_a_negative_timeout_is_a_usage_error(say: Say) -> None:
    assert say("undo", "wild/20261122T1405Z-3f9a", "--lock-timeout", "-1")[0] == 4


def test_a_purge_says_what_goes_for_good_and_takes_only_yes(
    say: Say, s3: S3Client, bucket: str, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = say("runs", "purge", run)
    assert (code, f"The run {run} (complete) began" in err) == (1, True)
    assert "2 old versions that it deleted, 0.0 MB, would be gone for good." in err
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert say("runs", "purge", run)[0] == 1
    assert say("undo", run, "--auto-approve")[0] == 0
    assert set(listed(s3, bucket)) == KEYS


def test_a_purged_run_is_gone_for_good_and_cannot_be_undone(
    say: Say, s3: S3Client, bucket: str, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    code, out, _ = say("runs", "purge", run)
    assert (code, out) == (0, "Purge complete: 2 erased for good.\n")
    assert {one["Key"] for one in s3.list_object_versions(Bucket=bucket, Prefix="deer/")["Versions"]} == KEYS - set(BAD)
    assert say("undo", run, "--auto-approve")[0] == 3
    assert say("apply", "deer.plan.json", "--auto-approve")[0] == 6
    assert "purged, begun" in say("runs", bucket)[1]
    told = json.loads(say("runs", "purge", run, "--auto-approve", "--json")[1])
    assert (told["run"], told["counts"]) == (run, {})


def test_a_purge_that_leaves_an_old_version_says_so_before_and_after(
    say: Say, s3: S3Client, bucket: str, run: str
) -> None:
    s3.put_object(Bucket=bucket, Key="deer/car.jpg", Body=b"newer")
    code, out, err = say("runs", "purge", run, "--auto-approve")
    assert (code, "Purge incomplete: 1 erased for good, 1 kept.\n" in out) == (3, True)
    assert "1 more stay, and can be read by their version ids: a newer object lies on it.\n" in err
    assert f"  aws s3api delete-object --bucket {bucket} --key … --version-id …\n" in out
    assert "purged" not in say("runs", bucket)[1]


def test_a_run_whose_plan_nobody_trusted_signed_is_not_purged_nor_asked_about(
    say: Say, run: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    (tmp_path / "signers.yaml").write_text("people: {}\n")
    code, _, err = say("runs", "purge", run, "--signers", "signers.yaml")
    assert (code, "nobody who is trusted here has this key" in err, "gone for good" in err) == (5, True, False)
    monkeypatch.delenv("LABELPLAN_TRUST_OWN_KEY")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, err = say("runs", "purge", run, "--auto-approve")
    assert (code, "Nobody is trusted here" in err) == (5, True)
    assert say("undo", run, "--auto-approve")[0] == 0
    assert say("runs", run.partition("/")[0])[0] == 0


def test_before_copies_are_purged_it_is_said_that_the_old_versions_stay(
    say: Say, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplan.store.s3.S3Writer.probe", lambda _: ALL)  # moto compares no ETag of a copy's source
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket=bucket) + "backup: {mode: copy}\n")
    say("plan", "deer.yaml")
    name = json.loads(say("apply", "deer.plan.json", "--auto-approve", "--json")[1])["run"]
    code, out, err = say("runs", "purge", name, "--trust-own-key", "--auto-approve")
    assert (code, out) == (0, "Purge complete: 2 erased for good.\n")
    assert "2 copies, 0.0 MB, would be gone for good: all under s3://" in err
    assert f"But s3://{bucket} has versioning: the old versions of what it deleted stay there" in err
    assert "Nothing brings them back" not in err
