"""A check in a copy of the process: its yes counts, anything else is found out here."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, NoReturn

import pytest

from labelplan.cli.meanwhile import meanwhile
from labelplan.errors import AwsRefused, PlanCorrupt

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A file with a line for each time that the check was done, by whom."""
    return tmp_path / "asked"


def note(asked: Path) -> None:
    with asked.open("a") as file:
        file.write(f"{os.getpid()}\n")


def refuse(asked: Path) -> NoReturn:
    note(asked)
    raise PlanCorrupt("it does not follow")


def who(asked: Path) -> list[bool]:
    """Tell for each time whether it was this very process."""
    return [int(line) == os.getpid() for line in asked.read_text().splitlines()]


def test_a_check_that_says_yes_is_done_once_and_elsewhere(asked: Path) -> None:
    with meanwhile(lambda: note(asked)):
        pass
    assert who(asked) == [False]


def test_what_the_check_raises_is_raised_here(asked: Path) -> None:
    with pytest.raises(PlanCorrupt), meanwhile(lambda: refuse(asked)):
        pass
    assert who(asked) == [False, True]


def test_what_is_wrong_with_the_plan_comes_before_what_is_wrong_with_the_bucket(asked: Path) -> None:
    with pytest.raises(PlanCorrupt), meanwhile(lambda: refuse(asked)):
        raise AwsRefused("no bucket")


def test_if_the_plan_is_fine_the_bucket_s_error_stands(asked: Path) -> None:
    with pytest.raises(AwsRefused), meanwhile(lambda: note(asked)):
        raise AwsRefused("no bucket")


def test_a_copy_that_is_killed_has_not_said_yes(asked: Path) -> None:
    def check() -> None:
        note(asked)
        if len(who(asked)) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    with meanwhile(check):
        pass
    assert who(asked) == [False, True]


@pytest.mark.parametrize("missing", [True, False])
def test_where_there_can_be_no_copy_the_check_is_done_here(
    asked: Path, monkeypatch: pytest.MonkeyPatch, *, missing: bool
) -> None:
    def no_more() -> NoReturn:
        raise BlockingIOError

    if missing:
        monkeypatch.delattr(os, "fork")
    else:
        monkeypatch.setattr(os, "fork", no_more)
    with meanwhile(lambda: note(asked)):
        assert not asked.exists()
    assert who(asked) == [True]


@pytest.mark.parametrize("missing", [True, False])
def test_ctrl_c_waits_for_nobody(monkeypatch: pytest.MonkeyPatch, *, missing: bool) -> None:
    if missing:
        monkeypatch.delattr(os, "fork")
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), meanwhile(lambda: time.sleep(60)):
        raise KeyboardInterrupt
    assert time.monotonic() - began < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_where_nobody_hears_how_children_end_the_check_is_done_here(asked: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with meanwhile(lambda: note(asked)):
            pass
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert who(asked) == [False, True]
