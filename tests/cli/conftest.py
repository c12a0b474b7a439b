"""How the tests of the main job type commands: against a real S3 server, where only the detector is a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.cli.main import run
from labelplan.detect import open as opening
from tests.cli.making import BAD, GOOD, KEYS, REFERENCES, SPEC
from tests.flow.making import Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """The detector of all commands in a test; it lists what it was asked."""
    made = Table({**REFERENCES, **GOOD, **BAD})
    monkeypatch.setattr(opening, "open_detector", lambda *_, **__: made)
    return made


@pytest.fixture
def say(
    s3: S3Client, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """A filled bucket, a spec and a key; returns how to type a command: (exit code, stdout, stderr)."""
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"of": "web"})
    (tmp_path / "deer.yaml").write_text(SPEC.format(bucket=bucket))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LABELPLAN_CACHE", str(tmp_path / "answers.sqlite"))
    monkeypatch.setenv("LABELPLAN_TRUST_OWN_KEY", "1")

    def typed(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    typed("key", "generate")
    return typed
