from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from labelplan.errors import LabelplanError, UsageError
from labelplan.planfile.newfile import NewFile

PART = ".plan.labelplan-part"


def test_a_file_has_its_name_only_when_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_bytes(b"the old one")
    with NewFile(str(path)) as new:
        new.write(b"hello ")
        new.write(b"world")
        assert path.read_bytes() == b"the old one"
        assert new.publish() == str(path)
    assert path.read_bytes() == b"hello world"
    assert os.listdir(tmp_path) == ["plan"]  # noqa: PTH208 - names are what counts


def test_left_without_publishing_nothing_remains(tmp_path: Path) -> None:
    with NewFile(str(tmp_path / "plan")) as new:
        new.write(b"half")
    assert not list(tmp_path.iterdir())


def test_it_can_be_published_under_a_longer_name(tmp_path: Path) -> None:
    with NewFile(str(tmp_path / "plan")) as new:
        assert new.publish(".unsigned") == f"{tmp_path}/plan.unsigned"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.unsigned"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / PART).write_bytes(b"a much longer text from before")
    with NewFile(str(tmp_path / "plan")) as new:
        new.write(b"new")
        new.publish()
    assert (tmp_path / "plan").read_bytes() == b"new"
    assert not (tmp_path / PART).exists()


def test_what_a_file_beside_it_holds_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "plan.part").write_bytes(b"precious")
    (tmp_path / "elsewhere").write_bytes(b"precious too")
    (tmp_path / PART).hardlink_to(tmp_path / "elsewhere")
    for publish in (False, True):
        with NewFile(str(tmp_path / "plan")) as new:
            new.write(b"new")
            if publish:
                new.publish()
        assert (tmp_path / "plan.part").read_bytes() == b"precious"
        assert (tmp_path / "elsewhere").read_bytes() == b"precious too"


def test_two_cannot_write_the_same_file_at_once(tmp_path: Path) -> None:
    with NewFile(str(tmp_path / "plan")) as first:
        with pytest.raises(UsageError, match="another labelplan"), NewFile(str(tmp_path / "plan")):
            pass
        first.write(b"first")
        first.publish()
    assert (tmp_path / "plan").read_bytes() == b"first"


def test_a_file_that_is_published_just_before_the_lock_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def published_meanwhile(file: Any, how: int) -> None:
        monkeypatch.undo()
        (tmp_path / PART).rename(tmp_path / "plan")
        real(file, how)

    (tmp_path / PART).write_bytes(b"somebody's finished plan")
    monkeypatch.setattr(fcntl, "flock", published_meanwhile)
    with NewFile(str(tmp_path / "plan")):
        assert (tmp_path / "plan").read_bytes() == b"somebody's finished plan"
        assert (tmp_path / PART).exists()


def test_who_comes_just_before_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def somebody_was_quicker(path: Path, *how: Any, **more: Any) -> Any:
        monkeypatch.undo()
        path.write_bytes(b"his")
        return real(path, *how, **more)

    monkeypatch.setattr(Path, "open", somebody_was_quicker)
    with NewFile(str(tmp_path / "plan")) as new:
        new.publish()
    assert (tmp_path / "plan").read_bytes() == b""


@pytest.mark.parametrize("name", ["folder", "nowhere/plan", "linked"])
def test_where_no_file_can_be_is_said_at_the_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / ".linked.labelplan-part").symlink_to(tmp_path / "victim")
    with pytest.raises(UsageError, match="Cannot write"), NewFile(str(tmp_path / name)):
        pass
    assert not (tmp_path / "victim").exists()


def test_a_full_disk_is_said_in_words_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with NewFile(str(tmp_path / "plan")) as new, pytest.raises(LabelplanError, match="No space left on device"):
        new.publish()
    assert not list(tmp_path.iterdir())


def test_a_part_that_was_taken_for_one_that_was_left_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def removed_meanwhile(file: Any, how: int) -> None:
        monkeypatch.undo()
        (tmp_path / PART).unlink()
        real(file, how)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with NewFile(str(tmp_path / "plan")) as new:
        new.write(b"new")
        new.publish()
    assert (tmp_path / "plan").read_bytes() == b"new"
