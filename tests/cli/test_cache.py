from __future__ import annotations

import io
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from labelplan.cli.main import run
from labelplan.detect.cache import open_cache
from labelplan.model.response import Unreadable
from tests.detect.caching import KIND, answer, content

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OLD = 1_700_000_000.0  # 14 November 2023
LOCAL = "local 1 max_labels=50 min_confidence=5.0"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELPLAN_CACHE", str(tmp_path / "answers.sqlite"))
    return tmp_path / "answers.sqlite"


@pytest.fixture
def filled(path: Path) -> Path:
    """Three old answers of Rekognition's and a refusal, and a new one of the local detector's."""
    with open_cache(path, lambda: OLD) as cache:
        cache.keep_many(KIND, [(content(number), answer()) for number in range(3)])
        cache.keep(KIND, content(3), Unreadable("invalid-image", "no"))
    with open_cache(path) as cache:
        cache.keep(LOCAL, content(1), answer())
    return path


def kept(path: Path) -> list[str]:
    with open_cache(path) as cache:
        return [one.kind for one in cache.stats().kinds]


def shown(capsys: pytest.CaptureFixture[str], args: Sequence[str]) -> tuple[str, str]:
    assert run(["cache", *args]) == 0
    said = capsys.readouterr()
    return said.out, said.err


def test_the_stats_say_where_and_how_much(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, ["stats"])
    head, rekognition = out.partition(f"\n{KIND}\n")[::2]
    assert head.startswith(
        f"Cache: {filled}, 0.1 MB\nKept:  4 answers, 1 refusal\n\n{LOCAL}\n  1 answer, 0 refusals, from 20"
    )
    assert rekognition == "  3 answers, 1 refusal, from 2023-11-14 to 2023-11-14\n"
    assert err == ""


def test_the_json_says_the_same(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = json.loads(shown(capsys, ["stats", "--json"])[0])
    assert (view["path"], view["answers"], view["refusals"]) == (str(filled), 4, 1)
    assert view["bytes"] >= filled.stat().st_size
    assert view["kinds"][1] == {
        "kind": KIND,
        "answers": 3,
        "refusals": 1,
        "oldest": "2023-11-14T22:13:20Z",
        "newest": "2023-11-14T22:13:20Z",
    }


@pytest.mark.parametrize("args", [["stats"], ["stats", "--json"], ["prune", "--all"]])
def test_a_cache_that_is_not_there_is_not_made(path: Path, capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    shown(capsys, args)
    assert list(path.parent.iterdir()) == []


def test_before_a_prune_its_price_is_told_and_it_is_asked(
    filled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    out, err = shown(capsys, ["prune", "--older-than", "90d"])
    assert "3 answers, 1 refusal would be thrown away; a plan that needs them pays about $0.01 for them again." in err
    assert out.startswith("Pruned: 3 answers, 1 refusal; the cache takes 0.1 MB now")
    assert kept(filled) == [LOCAL]


def test_anything_but_yes_throws_nothing_away(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert run(["cache", "prune", "--all"]) == 1
    assert kept(filled) == [LOCAL, KIND]


def test_off_a_terminal_it_has_to_be_approved(
    filled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert run(["cache", "prune", "--all"]) == 1
    assert "--auto-approve" in capsys.readouterr().err
    assert kept(filled) == [LOCAL, KIND]
    shown(capsys, ["prune", "--all", "--auto-approve"])
    assert kept(filled) == []


def test_one_kind_can_be_pruned_alone(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, ["prune", "--all", "--kind", LOCAL, "--auto-approve", "--json"])
    view = json.loads(out)
    assert (view["answers"], view["refusals"]) == (1, 0)
    assert view["bytes_before"] >= view["bytes"] > 0
    assert "asks for them again, at no cost" in err
    assert kept(filled) == [KIND]


@pytest.mark.parametrize("age", ["12h", "7d", "8w"])
def test_what_is_younger_stays(filled: Path, capsys: pytest.CaptureFixture[str], age: str) -> None:
    out, err = shown(capsys, ["prune", "--older-than", age, "--kind", LOCAL])
    assert (out, err) == ("There is nothing like that in the cache.\n", "")
    view = json.loads(shown(capsys, ["prune", "--older-than", age, "--kind", LOCAL, "--json"])[0])
    assert (view["answers"], view["bytes"]) == (0, view["bytes_before"])
    assert kept(filled) == [LOCAL, KIND]


@pytest.mark.parametrize(
    "args",
    [[], ["--all", "--older-than", "1d"], ["--older-than", "90"], ["--older-than", "-1d"], ["--older-than", "999999d"]],
)
def test_what_to_prune_has_to_be_clear(filled: Path, args: list[str]) -> None:
    assert run(["cache", "prune", "--auto-approve", *args]) == 4
    assert kept(filled) == [LOCAL, KIND]


def test_a_time_that_no_calendar_has_is_unknown(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = sqlite3.connect(filled, isolation_level=None)
    database.execute("UPDATE answers SET stored = ? WHERE content = ?", (2**60, content(3)))
    database.close()
    assert "from 2023-11-14 to unknown" in shown(capsys, ["stats"])[0]


def test_a_file_that_is_no_cache_is_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("mine" * 1000)
    assert run(["cache", "stats"]) == 1
    assert str(path) in capsys.readouterr().err
