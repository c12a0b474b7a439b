from __future__ import annotations

import getpass
import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from labelplan.cli.main import run
from labelplan.planfile.keys import find_signer
from labelplan.planfile.trust import load_trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LABELPLAN_KEY", "LABELPLAN_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    given: Iterator[str] = iter(answers)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: bool(answers)))
    monkeypatch.setattr(getpass, "getpass", lambda _: next(given))


def test_a_new_key_is_shown_with_what_to_do_next(
    capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    assert run(["key", "generate"]) == 0
    made = capsys.readouterr()
    assert run(["key", "show"]) == 0
    shown = capsys.readouterr()
    assert (made.out, made.err, shown.err) == (shown.out, "Made a signing key.\n", "")
    hidden = re.sub("AAAAC3Nza[A-Za-z0-9+/]+", "AAAAC3Nza…", re.sub("SHA256:[A-Za-z0-9+/]+", "SHA256:…", shown.out))
    assert hidden == snapshot


def test_the_line_it_prints_fits_into_a_signers_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["key", "generate"])
    line = capsys.readouterr().out.splitlines()[-1]
    (tmp_path / "signers.yaml").write_text(f"people:\n{line}\n")
    trust = load_trust("signers.yaml", {}, tmp_path, lambda: b"", allow_own_key=False)
    assert trust.names == {find_signer("config/labelplan/key", {}).keyid: "YOUR-NAME"}


def test_the_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["key", "generate", "--key", "mine", "--json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert view["path"] == "mine"
    assert view["keyid"] == find_signer("mine", {}).keyid
    assert view["public_key"].startswith("ssh-ed25519 ")


def test_a_key_is_never_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    run(["key", "generate"])
    assert run(["key", "generate"]) == 5
    assert "left alone" in capsys.readouterr().err


def test_without_a_key_there_is_nothing_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["key", "show"]) == 5
    assert "labelplan key generate" in capsys.readouterr().err


@pytest.mark.parametrize("at", ["terminal", "variable"])
def test_a_passphrase_guards_the_key(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    at_a_terminal(monkeypatch, "horse", "horse")
    if at == "variable":
        monkeypatch.setenv("LABELPLAN_KEY_PASSPHRASE", "horse")
    assert run(["key", "generate", "--passphrase", "--key", "mine"]) == 0
    find_signer("mine", {"LABELPLAN_KEY_PASSPHRASE": "horse"}).unlock()


@pytest.mark.parametrize("given", ["horse\udcff", "x" * 1024])
def test_a_passphrase_that_cannot_be_one_makes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("LABELPLAN_KEY_PASSPHRASE", given)
    assert run(["key", "generate", "--passphrase", "--key", "mine"]) == 5
    assert given[:5] not in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("answers", [("horse", "hose"), ("", ""), ()])
def test_without_a_clear_passphrase_no_key_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...]
) -> None:
    at_a_terminal(monkeypatch, *answers)
    assert run(["key", "generate", "--passphrase", "--key", "mine"]) == 4
    assert not (tmp_path / "mine").exists()
