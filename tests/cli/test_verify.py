from __future__ import annotations

import datetime as dt
import json
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from labelplan.cli import verify as command
from labelplan.cli.main import run
from tests.golden.generate import CREATED, EXPIRES, FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    Typed = Callable[..., tuple[int, str, str]]

PLAN = "every-reason.plan.json"


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """The golden plan in an empty folder, on the day it was made; returns how to type a command there."""
    for path in FOLDER.iterdir():
        shutil.copyfile(path, tmp_path / path.name)
        (tmp_path / path.name).chmod(0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    on_the_day(monkeypatch, CREATED)

    def typed(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return typed


def on_the_day(monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda _: now), UTC=dt.UTC)
    monkeypatch.setattr(command, "dt", clock)


def test_a_good_plan_is_shown_with_its_people(typed: Typed, snapshot: SnapshotAssertion) -> None:
    code, out, err = typed("verify", PLAN, "--signers", "signers.yaml")
    assert (code, err) == (0, "")
    assert out == snapshot


def test_the_json_says_the_same(typed: Typed, snapshot: SnapshotAssertion) -> None:
    code, out, _ = typed("verify", PLAN, "--signers", "signers.yaml", "--json", "--deep")
    assert code == 0
    assert json.loads(out) == snapshot


def test_the_digest_that_it_prints_is_the_one_it_takes(typed: Typed) -> None:
    _, out, _ = typed("verify", PLAN, "--signers", "signers.yaml", "--json")
    digest = json.loads(out)["statement_sha256"]
    assert typed("verify", PLAN, "--signers", "signers.yaml", "--expect-digest", digest)[0] == 0
    assert typed("verify", PLAN, "--signers", "signers.yaml", "--expect-digest", "0" * 64)[0] == 5


def test_a_plan_that_never_applies_says_so(typed: Typed, snapshot: SnapshotAssertion) -> None:
    _, out, _ = typed("verify", PLAN, "--signers", "signers.yaml", "--json")
    view = json.loads(out) | {"partial": "sample of 100", "approvers": []}
    assert "\n".join(command._lines(view)) == snapshot


def test_signatures_that_do_not_count_are_named_with_the_reason(typed: Typed, tmp_path: Path) -> None:
    signers = (tmp_path / "signers.yaml").read_text()
    (tmp_path / "signers.yaml").write_text(signers.replace("[plan, approve]", "[plan]").replace("approvals: 1", ""))
    _, out, _ = typed("key", "show", "--key", "bob.key", "--json")
    bob = json.loads(out)["keyid"]
    _, out, _ = typed("verify", PLAN, "--signers", "signers.yaml")
    assert "  approved by  nobody else\n" in out
    assert f"  also signed  {bob} (not trusted here: bob may not approve)\n" in out
    _, out, _ = typed("verify", PLAN, "--signers", "signers.yaml", "--json")
    assert json.loads(out)["not_trusted"] == {bob: "bob may not approve"}


@pytest.mark.parametrize("change", [lambda lines: lines[1:], lambda lines: lines[::-1]], ids=["stripped", "swapped"])
def test_the_authors_signature_can_be_neither_taken_away_nor_moved(
    typed: Typed, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    head, _, tail = (tmp_path / PLAN).read_text().partition('"signatures":[\n')
    signatures = change(tail.removesuffix("\n]}\n").split(",\n"))
    (tmp_path / PLAN).write_text(head + '"signatures":[\n' + ",\n".join(signatures) + "\n]}\n")
    signers = (tmp_path / "signers.yaml").read_text().replace("roles: [plan]", "roles: [plan, approve]")
    (tmp_path / "signers.yaml").write_text(signers.replace("approvals: 1", ""))
    code, _, err = typed("verify", PLAN, "--signers", "signers.yaml")
    assert code == 5
    assert "signatures were taken away, moved or added" in err


def test_off_a_terminal_ones_own_key_is_trusted_only_when_asked_for(typed: Typed) -> None:
    code, _, err = typed("verify", PLAN, "--key", "alice.key")
    assert (code, err.splitlines()[0]) == (5, "Error: Nobody is trusted here: there is no signers file.")


def test_ones_own_key_does_not_loosen_what_the_planner_saw(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "A signers file governed where this plan was made"
    code, _, err = typed("verify", PLAN, "--key", "alice.key", "--trust-own-key")
    assert code == 5
    assert asked in err
    monkeypatch.setenv("LABELPLAN_TRUST_OWN_KEY", "1")
    code, _, err = typed("verify", PLAN, "--key", "alice.key")
    assert code == 5
    assert asked in err


@pytest.mark.parametrize(
    ("spoil", "code", "message"),
    [
        (lambda text: text.replace(b'"size":1234', b'"size":1235'), 5, "digest is not that of the bytes above it"),
        (lambda text: text.replace(b'"keyid":"SHA256:', b'"keyid":"SHA256;'), 5, "damaged"),
        (lambda text: text[:-1], 5, "last lines"),
    ],
)
def test_a_damaged_plan_is_one_line_and_what_to_do(
    typed: Typed, tmp_path: Path, spoil: Callable[[bytes], bytes], code: int, message: str
) -> None:
    (tmp_path / PLAN).write_bytes(spoil((tmp_path / PLAN).read_bytes()))
    got, out, err = typed("verify", PLAN, "--signers", "signers.yaml")
    assert (got, out) == (code, "")
    assert message in err
    assert "plan again" in err.splitlines()[1]


def test_an_expired_plan_exits_with_six(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    on_the_day(monkeypatch, EXPIRES)
    assert typed("verify", PLAN, "--signers", "signers.yaml")[0] == 6


@pytest.mark.parametrize("arguments", [["gone.plan.json"], [PLAN, "--expect-digest", "abc"], []])
def test_what_cannot_be_meant_exits_with_four(typed: Typed, arguments: list[str]) -> None:
    assert typed("verify", *arguments, "--signers", "signers.yaml")[0] == 4
