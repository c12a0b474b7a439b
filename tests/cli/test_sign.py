from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from labelplan.cli.main import run
from labelplan.errors import KeyUnusable
from labelplan.planfile.keys import find_signer, generate_key
from labelplan.planfile.reader import open_plan
from tests.planfile.making import three, write
from tests.planfile.test_writer import Locked

if TYPE_CHECKING:
    from pathlib import Path

FAR = dt.datetime(2126, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELPLAN_KEY", str(tmp_path / "key"))
    monkeypatch.delenv("LABELPLAN_KEY_PASSPHRASE", raising=False)
    generate_key(tmp_path / "key")


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    with pytest.raises(KeyUnusable):
        write(tmp_path / "plan", three(), Locked(find_signer("key", {}).keyid), expires=FAR)
    return tmp_path / "plan.unsigned"


def test_an_unsigned_plan_is_finished_and_then_approved(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sign", "plan.unsigned"]) == 0
    assert "Signed plan with SHA256:" in capsys.readouterr().out
    assert not unsigned.exists()
    assert run(["key", "generate", "--key", "second"]) == 0
    capsys.readouterr()
    assert run(["sign", "plan", "--key", "second", "--json"]) == 0
    view = json.loads(capsys.readouterr().out)
    with open_plan("plan") as plan:
        assert plan.signatures[1].keyid == view["keyid"]
        assert plan.statement_sha256 == view["statement_sha256"]


def test_the_same_key_signs_once(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sign", unsigned.name])
    assert run(["sign", "plan"]) == 4
    assert "has a signature of SHA256:" in capsys.readouterr().err


def test_only_its_author_finishes_an_unsigned_plan(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["key", "generate", "--key", "second"])
    assert run(["sign", unsigned.name, "--key", "second"]) == 5
    assert "nobody else can sign it first" in capsys.readouterr().err


def test_what_has_the_plans_name_is_not_replaced(
    unsigned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan").write_text("precious")
    assert run(["sign", unsigned.name]) == 4
    assert "left alone" in capsys.readouterr().err
    assert (tmp_path / "plan").read_text() == "precious"


def test_an_expired_plan_is_not_worth_a_signature(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable):
        write(tmp_path / "plan", three(), Locked(), expires=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert run(["sign", "plan.unsigned"]) == 6


def test_without_a_key_nothing_is_signed(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sign", unsigned.name, "--key", "gone"]) == 5
    assert "labelplan key generate" in capsys.readouterr().err
