"""A listing kept on disk: what comes back, what is picked from it, and a disk that is full."""

from __future__ import annotations

import errno
import itertools
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelplan.errors import LabelplanError
from labelplan.model.objects import S3Object
from labelplan.store.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

objects = st.builds(
    S3Object, st.text(min_size=1, max_size=5), st.text(max_size=5), st.text(max_size=5), st.integers(0, 2**63)
)


def some(count: int, begin: int = 0) -> list[S3Object]:
    return [S3Object(f"deer/{number}.jpg", "v", "e", number) for number in range(begin, begin + count)]


def keys(spool: Spool, position: int) -> list[str]:
    return [one.key for at, page in spool.pages() if at == position for one in page]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a fresh checkout's table of characters
@given(st.lists(st.tuples(st.integers(0, 5), st.lists(objects, max_size=4))))
def test_everything_comes_back_as_it_was_appended_and_as_often_as_asked_for(
    pages: list[tuple[int, list[S3Object]]],
) -> None:
    with Spool() as spool:
        for position, page in pages:
            spool.append(position, page)
        assert list(spool.pages()) == pages == list(spool.pages())
        for position in range(7):
            assert spool.count(position) == sum(len(page) for at, page in pages if at == position)


def test_several_read_at_once_and_see_what_is_appended_meanwhile() -> None:
    with Spool() as spool:
        spool.append(0, some(2))
        first, second = spool.pages(), spool.pages()
        assert next(first) == next(second)
        spool.append(1, some(1))
        assert next(first) == (1, some(1)) == next(second)


@settings(deadline=None)  # files
@given(st.integers(1, 40), st.integers(1, 45), st.integers(1, 7))
def test_what_is_picked_is_spread_evenly_over_each_prefix(count: int, wanted: int, size: int) -> None:
    with Spool() as spool:
        for begin in range(0, count, size):
            spool.append(3, some(min(size, count - begin), begin))
            spool.append(5, some(1, begin))  # prefixes need not stand together
        with spool.pick(wanted) as picked:
            at = [int(key[5:-4]) for key in keys(picked, 3)]
            assert len(at) == picked.count(3) == min(wanted, count)
            assert at == sorted(set(at))
            assert picked.count(5) == min(wanted, spool.count(5))
    gaps = [after - before for before, after in itertools.pairwise(at)]
    assert max(gaps, default=0) - min(gaps, default=0) <= 1
    if len(at) > 1:
        assert (at[0], at[-1]) == (0, count - 1)
    else:
        assert at == [(count - 1) // 2]


def test_pages_of_which_nothing_is_picked_are_left_out() -> None:
    with Spool() as spool:
        for begin in range(0, 30, 10):
            spool.append(0, some(10, begin))
        with spool.pick(1) as picked:
            assert list(picked.pages()) == [(0, some(1, 14))]


def test_none_cannot_be_picked() -> None:
    with Spool() as spool, pytest.raises(ValueError, match="not 0"):
        spool.pick(0)


def test_nothing_remains_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Spool() as spool:
        spool.append(0, some(1000))
        assert not list(tmp_path.iterdir())  # nor if the process is killed now


def test_a_full_disk_is_an_error_that_names_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def full(*arguments: Any) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(write(arguments[0], arguments[1][:10], arguments[2]))
        return written[0]

    write = os.pwrite
    with Spool() as spool:
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(LabelplanError, match="No space left on device") as caught:
            spool.append(0, some(10))
        assert "TMPDIR" in caught.value.advice
        assert spool.count(0) == 0


def test_what_is_written_in_part_is_written_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: write(file, data[:7], at))
    with Spool() as spool:
        spool.append(0, some(10))
        spool.append(1, some(2))
        assert list(spool.pages()) == [(0, some(10)), (1, some(2))]


def test_without_a_temporary_folder_there_is_an_error_that_names_tmpdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(LabelplanError, match="No such file") as caught:
        Spool()
    assert "TMPDIR" in caught.value.advice


def test_any_other_failure_of_the_disk_is_not_taken_for_a_full_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with Spool() as spool:
        monkeypatch.setattr(os, "pwrite", broken)
        with pytest.raises(OSError, match="Input/output error"):
            spool.append(0, some(1))
