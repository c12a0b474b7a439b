"""The main job as its user types it, against a real S3 server; only the detector is a table."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from labelplan.flow import plan as planning
from labelplan.rules.decide import Judge, Verdict
from tests.cli.making import BAD, GOOD, KEYS, SPEC, listed
from tests.wire import recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client


def test_plan_show_verify_apply_undo(say: Callable[..., Any], s3: S3Client, bucket: str) -> None:
    before = listed(s3, bucket)
    code, out, err = say("plan", "deer.yaml")
    assert (code, err) == (0, "15 DetectLabels calls, about $0.02; 0 answers from the cache\n")
    assert "Plan: 2 to delete, 12 to keep, 1 unreadable." in out
    assert "Saved the plan to: deer.plan.json" in out

    code, out, _ = say("show", "deer.plan.json")
    assert code == 0
    assert "- delete  deer/car.jpg  no-evidence  (shows Car 99)" in out
    assert "- delete  deer/hunter.jpg  excluded: Person" in out

    assert say("verify", "deer.plan.json")[0] == 0
    assert say("verify", "deer.plan.json", "--deep", "--replay")[0] == 0

    code, out, err = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 0
    assert "Apply complete: 2 deleted." in out
    undo = out.strip().rpartition("Undo with: labelplan ")[2].split()
    assert set(listed(s3, bucket)) == KEYS - set(BAD)

    code, _, err = say("apply", "deer.plan.json", "--auto-approve")
    assert (code, "was applied by the run" in err) == (6, True)

    code, out, _ = say(*undo, "--auto-approve")
    assert (code, "Undo complete: 2 restored." in out) == (0, True)
    assert listed(s3, bucket) == before


def test_plan_show_and_verify_send_nothing_that_changes(say: Callable[..., Any], bucket: str) -> None:
    with recorded() as wire:
        for command in ("plan deer.yaml", "show deer.plan.json", "verify deer.plan.json"):
            assert say(*command.split())[0] == 0
    to_s3 = [sent for sent in wire.sent if sent.bucket == bucket]
    assert {sent.method for sent in to_s3} == {"GET", "HEAD"}
    others = [sent for sent in wire.sent if sent.bucket != bucket]
    assert [(sent.method, sent.key, sent.query) for sent in others] == [("POST", "", {})]  # STS: GetCallerIdentity


def test_undo_brings_back_one_object_if_asked(say: Callable[..., Any], s3: S3Client, bucket: str) -> None:
    say("plan", "deer.yaml")
    applied = json.loads(say("apply", "deer.plan.json", "--auto-approve", "--json")[1])
    code, out, _ = say("undo", applied["run"], "--key", "deer/car.jpg", "--auto-approve", "--json")
    assert (code, json.loads(out)["counts"]) == (0, {"restored": 1})
    assert set(listed(s3, bucket)) == KEYS - {"deer/hunter.jpg"}


def test_undo_works_in_a_bucket_that_belongs_to_another_account(say: Callable[..., Any], tmp_path: Path) -> None:
    spec = tmp_path / "deer.yaml"
    spec.write_text(f'{spec.read_text()}account: "999988887777"\n')
    say("plan", "deer.yaml")
    run_name = json.loads(say("apply", "deer.plan.json", "--auto-approve", "--json")[1])["run"]
    with recorded() as wire:
        assert say("undo", run_name, "--auto-approve")[0] == 0
    owners = {sent.headers.get("x-amz-expected-bucket-owner") for sent in wire.sent if sent.changes}
    assert owners == {"999988887777"}  # as the record says, whoever asks


def test_an_object_that_changed_after_the_plan_is_kept_and_reported(
    say: Callable[..., Any], s3: S3Client, bucket: str
) -> None:
    say("plan", "deer.yaml")
    s3.put_object(Bucket=bucket, Key="deer/car.jpg", Body=b"a deer, this time")
    code, out, _ = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 3
    assert "changed  deer/car.jpg: another version has been stored" in out
    assert "Apply complete: 1 deleted, 1 kept because they have changed." in out
    assert listed(s3, bucket)["deer/car.jpg"][0] == b"a deer, this time"


def test_json_is_the_only_thing_on_stdout(say: Callable[..., Any]) -> None:
    events = [json.loads(line) for line in say("plan", "deer.yaml", "--json")[1].splitlines()]
    assert [event["type"] for event in events] == ["version", "estimated", "labelling", "planned"]
    assert events[-1]["totals"]["delete"] == 2
    shown = json.loads(say("show", "deer.plan.json", "--json")[1])
    assert (len(shown["decisions"]), shown["rules"][0]["name"]) == (15, "deer")
    assert len(json.loads(say("show", "deer.plan.json", "--json", "--deletes")[1])["decisions"]) == 2
    assert json.loads(say("show", "deer.plan.json", "--format", "json")[1])["format"] == "labelplan/show/1"


def test_show_can_be_narrowed_to_a_rule_or_a_key(say: Callable[..., Any]) -> None:
    say("plan", "deer.yaml")
    assert "deer/good1.jpg  evidence: Deer" in say("show", "deer.plan.json", "--key", "deer/good1.jpg")[1]
    assert "deer/car.jpg" in say("show", "deer.plan.json", "--rule", "deer")[1]
    code, _, err = say("show", "deer.plan.json", "--rule", "fish")
    assert (code, "no label rule 'fish'" in err, "It has: deer" in err) == (4, True, True)
    code, _, err = say("show", "deer.plan.json", "--key", "deer/nope.jpg")
    assert (code, "says nothing of an object deer/nope.jpg" in err) == (4, True)


def test_changes_present_are_an_exit_code_if_asked(say: Callable[..., Any]) -> None:
    assert say("plan", "deer.yaml", "--detailed-exitcode")[0] == 2


def test_without_a_terminal_and_without_approval_nothing_is_deleted(
    say: Callable[..., Any], s3: S3Client, bucket: str
) -> None:
    say("plan", "deer.yaml")
    code, _, err = say("apply", "deer.plan.json")
    assert (code, "Add --auto-approve" in err) == (1, True)
    assert set(listed(s3, bucket)) == KEYS
    assert not [key for key in s3.list_objects_v2(Bucket=bucket)["Contents"] if key["Key"].startswith(".labelplan")]


def test_a_guard_refuses_and_says_what_to_write(say: Callable[..., Any], tmp_path: Path, bucket: str) -> None:
    guarded = SPEC.format(bucket=bucket) + "guards: {max_delete_percent: 10}\n"
    (tmp_path / "deer.yaml").write_text(guarded)
    code, out, _ = say("plan", "deer.yaml")
    assert (code, "Warning: deer: would delete 2 of 11 judged objects (18.2 %)" in out) == (0, True)
    code, _, err = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 7
    assert "write under labels.deer:  guards: {max_delete_percent: 19}" in err


def test_a_bucket_without_versioning_is_warned_about_and_refused(
    say: Callable[..., Any], s3: S3Client, bucket: str
) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    code, out, _ = say("plan", "deer.yaml")
    assert (code, "apply will refuse" in out) == (0, True)
    code, _, err = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 12
    assert f"aws s3api put-bucket-versioning --bucket {bucket}" in err
    assert set(listed(s3, bucket)) == KEYS


def test_another_endpoint_is_another_target(
    say: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, s3_endpoint: str
) -> None:
    say("plan", "deer.yaml")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint.replace("127.0.0.1", "localhost"))
    code, _, err = say("apply", "deer.plan.json", "--auto-approve")
    assert (code, "The plan was made for the endpoint" in err) == (11, True)


def test_a_plan_is_not_trusted_off_a_terminal_unless_somebody_is_named(
    say: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    say("plan", "deer.yaml")
    monkeypatch.delenv("LABELPLAN_TRUST_OWN_KEY")
    assert say("verify", "deer.plan.json")[0] == 5
    assert say("apply", "deer.plan.json", "--auto-approve")[0] == 5
    assert say("verify", "deer.plan.json", "--trust-own-key")[0] == 0


def test_a_plan_signed_with_another_key_is_refused(say: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    say("plan", "deer.yaml")
    monkeypatch.setenv("LABELPLAN_KEY", "other")
    say("key", "generate")
    code, _, err = say("apply", "deer.plan.json", "--auto-approve")
    assert code == 5
    assert err.startswith("Error: ")


def test_no_key_is_found_out_before_anything_is_paid(
    say: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    code, _, err = say("plan", "deer.yaml")
    assert (code, "labelplan key generate" in err) == (5, True)


@pytest.mark.parametrize("name", ["deer.yaml", "nowhere/p.json", "deer.plan.json.zst", "config", "", ".", "pipe"])
def test_an_output_that_is_no_plan_or_no_place_is_refused(say: Callable[..., Any], tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    spec = (tmp_path / "deer.yaml").read_text()
    assert say("plan", "deer.yaml", "-o", name)[0] == 4
    assert (tmp_path / "deer.yaml").read_text() == spec


@pytest.mark.parametrize("name", ["", ".", "/", "nothing.yaml"])
def test_a_spec_that_is_no_file_is_a_usage_error(say: Callable[..., Any], name: str) -> None:
    assert say("plan", name)[0] == 4


def test_every_line_to_write_gives_a_valid_spec_again(say: Callable[..., Any], bucket: str, tmp_path: Path) -> None:
    weird = SPEC.format(bucket=bucket) + (
        "    accept: [Dear]\n    ignore: [{label: Fsh, threshold: 90}, Animl]\n"
        "    exclude: [{label: Person, threshold: 50}, {label: Cra, threshold: 95}]\n"
        "    guards: {max_delete_percent: 1}\n"
    )
    (tmp_path / "deer.yaml").write_text(weird)
    rules = json.loads(say("plan", "deer.yaml", "--json")[1].splitlines()[-1])["rules"]
    lines = [warning["write"] for warning in rules[0]["warnings"] if warning["write"]]
    assert len(lines) >= 3
    for line in lines:
        spec = yaml.safe_load(weird)
        spec["labels"]["deer"] |= yaml.safe_load(line)
        (tmp_path / "mended.yaml").write_text(yaml.safe_dump(spec))
        assert say("validate", "mended.yaml")[0] == 0, line


def test_an_older_plan_may_be_written_over(say: Callable[..., Any], tmp_path: Path) -> None:
    say("plan", "deer.yaml")
    first = (tmp_path / "deer.plan.json").read_bytes()
    assert say("plan", "deer.yaml")[0] == 0
    assert (tmp_path / "deer.plan.json").read_bytes() != first


def test_a_wrong_spec_is_told_by_line_and_column(say: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket="wild").replace("prefix", "prefx"))
    code, _, err = say("plan", "deer.yaml")
    assert code == 4
    assert "deer.yaml:6:5: labels.deer.prefx: unknown key 'prefx'; did you mean 'prefix'?" in err


def test_a_missing_bucket_is_a_refusal(say: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket="no-such-bucket-here"))
    code, _, err = say("plan", "deer.yaml")
    assert (code, "There is no bucket no-such-bucket-here" in err) == (10, True)


def test_no_credentials_are_a_refusal(say: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    code, _, err = say("plan", "deer.yaml")
    assert (code, "credentials" in err) == (10, True)


def test_a_wrong_region_is_a_refusal_that_names_the_right_one(
    say: Callable[..., Any], bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket=bucket) + "region: eu-west-1\n")
    code, _, err = say("plan", "deer.yaml")
    assert (code, "us-east-1" in err) == (10, True)


def test_an_empty_folder_is_a_mistake_in_the_spec(say: Callable[..., Any], tmp_path: Path, bucket: str) -> None:
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket=bucket).replace("prefix: deer/", "prefix: elk/"))
    code, _, err = say("plan", "deer.yaml")
    assert (code, "no image under elk/" in err) == (4, True)


@pytest.mark.parametrize("name", ["wildlife", "a/b/c", "/x", ""])
def test_what_is_no_run_is_a_usage_error(say: Callable[..., Any], name: str) -> None:
    assert say("undo", name, "--auto-approve")[0] == 4


def test_a_run_that_is_not_there_is_said(say: Callable[..., Any], bucket: str) -> None:
    code, _, err = say("undo", f"{bucket}/20261122T1405Z-3f9a", "--auto-approve")
    assert (code, "20261122T1405Z-3f9a" in err) == (1, True)


def test_editing_the_plan_or_the_spec_in_it_is_refused(say: Callable[..., Any], tmp_path: Path) -> None:
    say("plan", "deer.yaml")
    plan = tmp_path / "deer.plan.json"
    whole = plan.read_bytes()
    for old, new in (
        (b'"exclude":["Person"]', b'"exclude":["Persom"]'),
        (b'"keep"', b'"delete"'),
        (b"SHA256:", b"SHA255:"),
    ):
        plan.write_bytes(whole.replace(old, new, 1))
        assert say("apply", "deer.plan.json", "--auto-approve")[0] == 5


def test_a_signed_plan_whose_deletes_do_not_follow_from_its_answers_is_refused(
    say: Callable[..., Any], s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the planner's own labelplan had been tampered with: the plan is signed by a trusted key all the same."""
    decide = Judge.with_answer
    lie = Verdict("delete", "no-evidence")
    with monkeypatch.context() as tampered:
        tampered.setattr(Judge, "with_answer", lambda self, a: lie if a == GOOD["deer/good1.jpg"] else decide(self, a))
        assert say("plan", "deer.yaml")[0] == 0
    code, _, err = say("apply", "deer.plan.json", "--auto-approve")
    assert (code, "its own rules and answers say keep (evidence)" in err) == (5, True)
    assert set(listed(s3, bucket)) == KEYS


def test_an_expired_plan_is_refused_but_a_run_that_began_in_time_goes_on(
    say: Callable[..., Any], s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("plan", "deer.yaml")
    long_ago = dt.timedelta(days=-1)
    monkeypatch.setattr(planning, "EXPIRES_AFTER", long_ago)
    say("plan", "deer.yaml", "-o", "old.plan.json")
    code, _, err = say("apply", "old.plan.json", "--auto-approve")
    assert (code, "expired" in err) == (6, True)
    assert set(listed(s3, bucket)) == KEYS


def test_a_sample_never_applies_whatever_its_guards_would_say(say: Callable[..., Any]) -> None:
    assert say("plan", "deer.yaml", "--sample", "2")[0] == 0
    code, _, err = say("apply", "deer.partial.plan.json", "--auto-approve")
    assert (code, "a sample of 2 objects of each prefix" in err) == (6, True)


def test_in_a_requester_pays_bucket_every_request_about_an_object_says_who_pays(
    say: Callable[..., Any], bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "deer.yaml").write_text(f"request_payer: requester\n{SPEC.format(bucket=bucket)}")
    with recorded() as wire:
        assert say("plan", "deer.yaml")[0] == 0
        applied = json.loads(say("apply", "deer.plan.json", "--auto-approve", "--json")[1])
        assert say("undo", applied["run"], "--auto-approve", "--requester-pays")[0] == 0
    silent = [sent for sent in wire.sent if sent.bucket == bucket and "x-amz-request-payer" not in sent.headers]
    assert {(sent.method, sent.key) for sent in silent} == {("HEAD", ""), ("GET", "")}  # the bucket's own settings
    assert all(not sent.query.keys() & {"versions", "list-type"} for sent in silent)
