"""An endpoint that ignores every condition: `apply` refuses it, says why, and changes no object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from labelplan.cli.main import run
from labelplan.detect import open as opening
from tests.cli.making import BAD, GOOD, KEYS, REFERENCES, SPEC
from tests.flow.making import Table
from tests.servers import running
from tests.servers.where import on
from tests.wire import recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.wire import Sent, Wire

BUCKET = "wildlife-hostile"
NO_WAY_BACK = 12
COPY = SPEC + "backup: {{mode: copy}}\n"


@pytest.fixture
def say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Type a command: its exit code, and what it says."""
    made = Table({**REFERENCES, **GOOD, **BAD})
    monkeypatch.setattr(opening, "open_detector", lambda *_, **__: made)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LABELPLAN_TRUST_OWN_KEY", "1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def typed(*arguments: str) -> tuple[int, str]:
        code = run(list(arguments))
        return code, capsys.readouterr().err

    typed("key", "generate")
    return typed


def filled(url: str, *, versioned: bool = False) -> S3Client:
    s3 = running.client(url)
    s3.create_bucket(Bucket=BUCKET)
    if versioned:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode(), Metadata={"of": "web"})
    return s3


def objects(s3: S3Client) -> dict[str, Any]:
    """Every object but labelplan's own, with what it holds."""
    listed = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in listed if not key.startswith(".")}


def changes_outside(wire: Wire) -> list[Sent]:
    """The changes that were asked for, but for canaries; a bulk delete names its keys in its body, so it counts."""
    return [one for one in wire.sent if one.changes and not one.key.startswith(".labelplan/probe/")]


@pytest.mark.skipif(not running.is_installed("rclone"), reason="rclone is not installed: make servers")
@pytest.mark.servers
@pytest.mark.parametrize(
    ("spec", "why"),
    [(COPY, "The server ignores conditions on deletes"), (SPEC, "versioning")],
    ids=["copy", "versioning"],
)
def test_apply_refuses_where_every_condition_is_ignored(
    say: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, why: str
) -> None:
    """Where the plan was made stood an honest server; now another one answers at the same address."""
    (tmp_path / "deer.yaml").write_text(spec.format(bucket=BUCKET))
    port = running.free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{running.HOST}:{port}")
    with running.moto(port) as honest:
        filled(honest.url, versioned=spec == SPEC)
        assert say("plan", "deer.yaml")[0] == 0
    with running.rclone(port) as hostile:
        s3 = filled(hostile.url)
        before = objects(s3)
        with recorded() as wire:
            code, said = say("apply", "deer.plan.json", "--auto-approve")
        assert (code, why in said) == (NO_WAY_BACK, True), said
        assert objects(s3) == before
        assert [one for one in changes_outside(wire) if "delete" not in one.query] == []


@on("rclone")
def test_no_plan_is_made_where_versions_cannot_be_listed(say: Any, s3: S3Client, tmp_path: Path) -> None:
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket=BUCKET))
    filled(s3.meta.endpoint_url)
    code, said = say("plan", "deer.yaml")
    assert (code, "NotImplemented" in said) == (10, True)
