from __future__ import annotations

import io
import os
import signal
from typing import TYPE_CHECKING

import pytest

from labelplan.cli.consent import ask, stoppable
from labelplan.cli.progress import Progress, RunProgress
from labelplan.errors import Declined

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_yes_is_taken_for_yes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    ask(auto_approve=False)
    assert "Only 'yes' will be accepted to approve." in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "no\n", "\n", ""])
def test_anything_else_declines(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    with pytest.raises(Declined, match="the answer was not 'yes'"):
        ask(auto_approve=False)


def test_nobody_is_asked_who_has_approved_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    ask(auto_approve=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop_and_the_second_ends_the_process_at_once(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    before = signal.getsignal(number)
    with stoppable() as stop:
        os.kill(os.getpid(), number)
        assert stop.is_set()
        assert not ended
        os.kill(os.getpid(), number)
        assert ended == [130]
    assert signal.getsignal(number) is before


def ticking(*times: float) -> Iterator[float]:
    return iter(times)


def test_off_a_terminal_progress_is_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ticking(0, 9.9, 10, 15, 21)
    with Progress("Labelling", "objects", clock=lambda: next(clock)) as progress:
        for done in (990, 1000, 1500, 2100):
            progress.update(done, 12_000)
    assert capsys.readouterr().err == (
        "Labelling 1,000 of 12,000 objects, 100 a second\nLabelling 2,100 of 12,000 objects, 100 a second\n"
    )


def test_on_a_terminal_progress_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with Progress("Labelling", "objects") as progress:
        progress.update(3, 12)
    assert "Labelling" in screen.getvalue()
    assert "3/12" in screen.getvalue()


def test_a_run_is_named_when_it_begins_and_when_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Deleting", "objects", clock=iter([0.0, 20.0]).__next__) as progress:
        run = RunProgress(progress)
        run.started("wild/1", 4, resumed=False)
        run.started("wild/1", 4, resumed=True)
        run.progressed({"deleted": 1, "failed": 1})
    shown = capsys.readouterr().err
    assert shown == "Run wild/1\nGoing on with the run wild/1\nDeleting 2 of 4 objects, 0 a second\n"
