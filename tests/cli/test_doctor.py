"""`doctor` as its user meets it, against a real S3 server; each check's own cases are in tests/flow/test_doctor.py."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.cli import doctor as command
from labelplan.errors import AwsRefused
from tests.wire import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client
    from syrupy.assertion import SnapshotAssertion

    from tests.flow.making import Table

Say = Any  # types a command: (exit code, stdout, stderr)


def scrubbed(text: str, bucket: str, tmp_path: Path) -> str:
    text = text.replace(bucket, "wildlife").replace(str(tmp_path), "…")
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", re.sub(r"SHA256:[\w+/]+", "SHA256:…", text))


def test_where_a_plan_would_work_it_reads_like_this(
    say: Say, table: Table, bucket: str, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    table.tps, table.tps_from = 50.0, "Service Quotas"
    code, out, err = say("doctor", "deer.yaml")
    assert (code, err, table.asked) == (0, "", [])
    assert not (tmp_path / "answers.sqlite").exists()
    assert scrubbed(out, bucket, tmp_path) == snapshot


def test_where_much_is_wrong_it_reads_like_this(  # noqa: PLR0913, PLR0917 - fixtures
    say: Say, s3: S3Client, table: Table, bucket: str, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    text = (tmp_path / "deer.yaml").read_text() + "  elk:\n    prefix: elk/\n    accept: [Elk]\n"
    (tmp_path / "deer.yaml").write_text(text.replace("deer/r1.jpg", "deer/r9.jpg"))
    (tmp_path / "answers.sqlite").write_bytes(b"something else, and much longer than a header would be" * 20)
    (tmp_path / "config" / "labelplan" / "key").unlink()
    table.tps, table.tps_from = 5.0, "no quota known"
    table.check = refuse  # type: ignore[method-assign]  # as if IAM said no
    code, out, _ = say("doctor", "deer.yaml")
    assert code == 5
    assert scrubbed(out, bucket, tmp_path) == snapshot


def refuse() -> None:
    raise AwsRefused("Rekognition said AccessDeniedException.", hint="Allow rekognition:DetectLabels.")


def test_a_spec_with_mistakes_lists_them(say: Say, tmp_path: Path) -> None:
    (tmp_path / "deer.yaml").write_text("version: 1\nbucket: wild\nlabels: {deer: {prefx: a/}}\n")
    code, out, _ = say("doctor", "deer.yaml")
    assert code == 4
    assert "spec           failed   deer.yaml:3:" in out
    assert "A plan would not work yet" in out


def test_as_json_the_checks_are_one_object(say: Say) -> None:
    code, out, _ = say("doctor", "deer.yaml", "--json")
    view = json.loads(out)
    assert (code, view["exit_code"], view["spec"]) == (0, 0, "deer.yaml")
    assert view["checks"][0] == {
        "check": "spec",
        "state": "ok",
        "detail": "valid: 1 label rule, detector rekognition, no budget",
        "todo": "",
        "exit_code": 0,
    }


def test_wrong_credentials_and_no_bucket_are_the_first_failures(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bucket: str
) -> None:
    (tmp_path / "deer.yaml").write_text((tmp_path / "deer.yaml").read_text().replace(bucket, "no-such-bucket-here"))
    code, out, _ = say("doctor", "deer.yaml")
    assert (code, "There is no bucket no-such-bucket-here" in out) == (10, True)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    checks = json.loads(say("doctor", "deer.yaml", "--json")[1])["checks"]
    failed = {check["check"] for check in checks if check["state"] == "failed"}
    assert failed == {"credentials", "bucket"}


def test_a_cache_is_counted_unless_it_is_so_large_that_this_takes_long(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    say("plan", "deer.yaml")
    assert f"{tmp_path}/answers.sqlite: 14 answers" in say("doctor", "deer.yaml")[1]
    monkeypatch.setattr(command, "COUNTED_BYTES", 1000)
    assert f"{tmp_path}/answers.sqlite: 0 MB\n" in say("doctor", "deer.yaml")[1]


@pytest.mark.parametrize("place", ["/proc/nowhere/answers.sqlite", "{}/deer.yaml/answers.sqlite", "{}"])
def test_a_place_for_no_cache_is_a_failure(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, place: str
) -> None:
    monkeypatch.setenv("LABELPLAN_CACHE", place.format(tmp_path))
    code, out, _ = say("doctor", "deer.yaml")
    assert (code, "answer cache   failed" in out) == (1, True)


def test_the_place_for_a_cache_is_tried_and_nothing_left_there(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "caches").mkdir()
    monkeypatch.setenv("LABELPLAN_CACHE", str(tmp_path / "caches" / "deep" / "answers.sqlite"))
    made, mkdir = [], os.mkdir

    def make(path: str, mode: int = 0o777) -> None:
        made.append(str(path))
        mkdir(path, mode)

    monkeypatch.setattr(os, "mkdir", make)
    code, out, _ = say("doctor", "deer.yaml")
    assert (code, "deep/answers.sqlite: not there yet, made by the first plan" in out) == (0, True)
    assert [name for name in made if name.startswith(str(tmp_path / "caches" / ".labelplan-"))]
    assert list((tmp_path / "caches").iterdir()) == []


def test_with_probe_it_says_what_the_server_honours_and_that_it_wrote(
    say: Say, s3: S3Client, bucket: str, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    code, out, err = say("doctor", "deer.yaml", "--probe")
    assert (code, err) == (0, "")
    assert scrubbed(out, bucket, tmp_path) == snapshot
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=".labelplan/")


def test_without_probe_nothing_in_the_bucket_is_changed(say: Say) -> None:
    with recorded() as wire:
        say("doctor", "deer.yaml")
    assert {one.method for one in wire.sent if one.bucket} == {"GET", "HEAD"}


def test_the_bucket_for_copies_is_looked_at_where_it_is_another(
    say: Say, s3: S3Client, bucket: str, tmp_path: Path
) -> None:
    other = f"{bucket}-copies"
    s3.create_bucket(Bucket=other)
    rule: Any = {"ID": "monthly", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}
    s3.put_bucket_lifecycle_configuration(Bucket=other, LifecycleConfiguration={"Rules": [rule]})
    text = (tmp_path / "deer.yaml").read_text()
    (tmp_path / "deer.yaml").write_text(f"{text}backup: {{mode: copy, bucket: {other}, prefix: copies/}}\n")
    code, out, _ = say("doctor", "deer.yaml")
    assert (code, f"the lifecycle rule monthly of the bucket {other}" in out) == (0, True)
    (tmp_path / "deer.yaml").write_text(f"{text}backup: {{mode: copy}}\n")
    assert "no rule ends what can be undone" in say("doctor", "deer.yaml")[1]
