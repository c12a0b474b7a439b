from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from msgspec import UNSET, Raw

from labelplan.cli.main import run
from labelplan.model.response import Unreadable
from labelplan.planfile.keys import find_signer, generate_key
from labelplan.planfile.writer import PlanWriter
from tests.planfile.making import decision, header, summary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from labelplan.model.plan import Decision

UNREADABLE = Unreadable("invalid-image", "not a picture")
MANY = [
    *(decision(f"a/{n:02}.jpg", action="delete", reason="no-evidence", labels=()) for n in range(25)),
    *(decision(f"b/{n:02}.txt", reason="unreadable", labels=(), response=UNSET, error=UNREADABLE) for n in range(22)),
    decision("c/kept.jpg"),
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generate_key(tmp_path / "key")


def write(decisions: Sequence[Decision]) -> None:
    rules = tuple(type(rule)(rule.name, (), rule.references) for rule in header().rules)  # no shares to tell of
    with PlanWriter("plan", header(rules=rules)) as writer:
        for one in decisions:
            writer.add(one)
        writer.finish(summary(decisions), find_signer("key", {}), None)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["show", "plan", *arguments]) == 0
    return capsys.readouterr().out


def test_deletes_and_unreadable_objects_are_listed_twenty_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    write(MANY)
    lines = shown(capsys).splitlines()
    assert sum("- delete  a/" in line for line in lines) == 20
    assert sum(line.endswith(".txt  unreadable: invalid-image: not a picture") for line in lines) == 20
    assert "    … and 5 more deletes (all of them: --deletes)" in lines
    assert "    … and 2 more unreadable ones (all of them: --json)" in lines
    assert not any("c/kept.jpg" in line for line in lines)


def test_asked_for_deletes_it_lists_all_of_them_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    write(MANY)
    out = shown(capsys, "--deletes")
    assert out.count("- delete  a/") == 25
    assert ".txt" not in out
    assert "more" not in out


def test_the_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    write(MANY)
    assert [row["key"] for row in json.loads(shown(capsys, "--json"))["decisions"]] == [one.key for one in MANY]


@pytest.mark.parametrize("answer", [b"1", b"null"])
def test_an_answer_that_is_none_is_a_damaged_plan(capsys: pytest.CaptureFixture[str], answer: bytes) -> None:
    write([decision("a", response=Raw(answer))])
    assert run(["show", "plan", "--key", "a"]) == 5
    assert "its answer in the plan cannot be read" in capsys.readouterr().err


def test_an_answer_nested_too_deep_is_a_damaged_plan(capsys: pytest.CaptureFixture[str]) -> None:
    write([decision("a", response=Raw(b"[" * 100_000 + b"]" * 100_000))])
    for command in (["show", "plan"], ["verify", "plan", "--key", "key", "--trust-own-key"]):
        assert run(command) == 5
        assert "recursion" in capsys.readouterr().err
