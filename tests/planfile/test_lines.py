from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.planfile import lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("lines")
    try:
        os.write(descriptor, content)
        yield descriptor
    finally:
        os.close(descriptor)


@given(st.lists(st.integers(0, 70_000), min_size=1, max_size=6))
def test_lines_are_found_forwards_and_backwards_whatever_their_length(lengths: list[int]) -> None:
    wanted = [b"x" * length + b"\n" for length in lengths]
    content = b"".join(wanted)
    with opened(content) as descriptor:
        at = 0
        for line in wanted:
            assert lines.line_after(descriptor, at) == line
            at += len(line)
            assert lines.line_before(descriptor, at) == line


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=8))
def test_blocks_are_whole_lines_and_together_the_file(lengths: list[int]) -> None:
    content = b"".join(b"x" * length + b"\n" for length in lengths)
    with opened(content) as descriptor:
        found = list(lines.blocks(descriptor, 0, len(content)))
    assert b"".join(found) == content
    assert all(block.endswith(b"\n") for block in found)


@pytest.mark.parametrize("content", [b"", b"no end"])
def test_a_line_without_an_end_is_refused(content: bytes) -> None:
    with opened(content) as descriptor:
        with pytest.raises(ValueError, match="does not end"):
            lines.line_after(descriptor, 0)
        with pytest.raises(ValueError, match="does not end"):
            lines.line_before(descriptor, len(content))
        with pytest.raises(ValueError, match="does not end"):
            list(lines.blocks(descriptor, 0, len(content) + 1))


def test_a_line_beyond_the_limit_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", lines.BLOCK)
    content = b"x" * (2 * lines.BLOCK) + b"\n"
    with opened(content) as descriptor:
        with pytest.raises(ValueError, match="does not end"):
            lines.line_after(descriptor, 0)
        with pytest.raises(ValueError, match="does not end"):
            lines.line_before(descriptor, len(content))
        with pytest.raises(ValueError, match="too long"):
            list(lines.blocks(descriptor, 0, len(content)))


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_bytes("a\r\x0b\x85\u2028b\n".encode())
    with path.open("rb") as file:
        assert lines.line_after(file.fileno(), 0) == path.read_bytes()
