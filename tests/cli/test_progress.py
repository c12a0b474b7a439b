from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from labelplan.cli.progress import LiveLine, PlanProgress, Progress
from tests.cli.test_events import ESTIMATE, Clock, state

if TYPE_CHECKING:
    import pytest
    from syrupy.assertion import SnapshotAssertion


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal; not a fixture, as pytest sets stderr again before the test itself."""
    fake = Terminal()
    monkeypatch.setattr("sys.stderr", fake)
    for name, value in {"TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    return fake


def test_off_a_terminal_a_line_is_said_every_ten_seconds_and_none_for_short_work(
    capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    clock = Clock()
    with LiveLine(clock) as line:
        progress = PlanProgress(line, None, clock)
        progress.listed(1000)
        assert capsys.readouterr().err == ""
        clock.now = 10.0
        progress.listed(120_000)
        progress.took(Path("old.plan.json"), 9_870)
        progress.estimated(ESTIMATE)
        for second in range(11, 31):
            clock.now = float(second)
            progress.labelling(state((second - 11) * 4, throttled=1))
        clock.now = 40.0
        progress.writing(50, 100)
        progress.writing(51, 100)
    assert capsys.readouterr().err == snapshot


def test_one_answer_is_not_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveLine(Clock()) as line:
        PlanProgress(line, None).took(Path("a\x1b.json"), 1)
    assert capsys.readouterr().err == 'Took 1 answer from "a\\u001b.json"\n'


def test_a_plan_whose_answers_are_here_already_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveLine(Clock()) as line:
        PlanProgress(line, None).took(Path("old.json"), 0)
    assert capsys.readouterr().err == "old.json: all its answers are here already\n"


def test_a_new_model_is_said_before_the_second_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveLine(Clock()) as line:
        progress = PlanProgress(line, None)
        progress.estimated(ESTIMATE)
        progress.estimated(ESTIMATE)
    first, why, second = capsys.readouterr().err.splitlines()
    assert first == second
    assert why.startswith("Rekognition has a new model")


def test_at_a_terminal_one_line_changes_in_place_and_is_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = terminal(monkeypatch)
    clock = Clock()
    with LiveLine(clock) as line:
        progress = PlanProgress(line, None, clock)
        clock.now = 0.4
        progress.listed(1000)
        assert screen.getvalue() == ""
        clock.now = 0.5
        progress.listed(2000)
        clock.now = 0.6
        progress.listed(3000)
        assert line._bar is not None
        line._bar.refresh()
        print("a result")  # noqa: T201 - stdout must not be taken over by what is shown on stderr
    shown = screen.getvalue()
    assert "Listing: 3,000 objects so far" in shown
    assert "\x1b[2K" in shown.rpartition("so far")[2]
    assert "\x1b[3" not in shown  # NO_COLOR
    assert capsys.readouterr().out == "a result\n"


def test_the_bar_of_apply_and_undo_is_a_plain_line_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("Deleting", "objects", clock) as progress:
        progress.update(1, 100)
        clock.now = 20.0
        progress.update(50, 100)
    assert capsys.readouterr().err == "Deleting 50 of 100 objects, 2 a second\n"


def test_the_bar_of_apply_and_undo_is_shown_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Progress("Deleting", "objects") as progress:
        progress.update(50, 100)
        assert progress._bar is not None
        progress._bar.refresh()
    assert "50/100" in screen.getvalue()
