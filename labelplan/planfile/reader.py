"""Bytes -> plan: opens a plan file and believes nothing in it that does not agree with everything else in it.

The tail is read first, then one pass in constant memory checks layout, spelling, order, counts and digest. Who signed,
and whether that is enough, is the business of `trust.py`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from labelplan.errors import PlanCorrupt, UsageError
from labelplan.model.plan import Digest, Header, Signature, Statement, Subject, Summary
from labelplan.planfile import layout
from labelplan.planfile.counts import Counts
from labelplan.planfile.lines import blocks, line_after, line_before

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from labelplan.model.plan import Decision, Totals
    from labelplan.planfile.counts import RuleCounts

MAX_SIGNATURES = 64

_LINES_ABOVE = 3  # the decisions: format, header, opening
_LINES_BELOW = 5  # them, without signatures: closing, summary, statement, opening, end


@dataclass(frozen=True)
class PlanFile:
    """An open plan whose every byte agrees with its statement; use it before its context manager ends.

    *counts*: per rule that decided something, how often each (action, reason) came up, counted from the lines, as are
    the statement's totals. *sha256*: hex digest of the whole file; *file*: it, opened for reading, at its first byte.
    """

    path: Path
    file: BinaryIO
    sha256: str
    header: Header
    summary: Summary
    statement: Statement
    statement_bytes: bytes
    signatures: tuple[Signature, ...]
    counts: RuleCounts
    _start: int
    _blocks: tuple[tuple[int, bytes], ...]

    @property
    def statement_sha256(self) -> str:
        """Hex digest of the statement's bytes: the plan's name in run records."""
        return hashlib.sha256(self.statement_bytes).hexdigest()

    def decisions(self) -> Iterator[Decision]:
        """Yield every decision in the order of the keys, each as it was when the file was checked.

        Raises `PlanCorrupt` before the first decision of a block (about 256 KiB) that has changed since.
        """
        descriptor = self.file.fileno()
        running = hashlib.sha256(os.pread(descriptor, self._start, 0))
        start = self._start
        for end, digest in self._blocks:
            block = os.pread(descriptor, end - start, start)
            running.update(block)
            if running.digest() != digest:
                raise PlanCorrupt(f"{self.path} changed after it was checked, in bytes {start:,} to {end:,}.")
            with _refused(self.path, "decisions"):
                decisions = layout.decode_decisions(block.rstrip(layout.NEXT))
            yield from decisions
            start = end


@contextmanager
def open_plan(path: str | PathLike[str]) -> Iterator[PlanFile]:
    """Open and check a plan; raises `UsageError` if there is no such file, `PlanCorrupt` if it is not a plan's bytes.

    Its signatures are read, not checked.
    """
    with _open(Path(path)) as file:
        yield _check(Path(path), file)


def _open(path: Path) -> BinaryIO:
    try:
        file = open(path, "rb", opener=_open_itself)  # noqa: SIM115 - open_plan closes it; Path has no opener
    except OSError as error:
        why = "it is a symbolic link; name the plan itself" if error.errno == errno.ELOOP else error.strerror
        raise UsageError(f"Cannot read the plan {path}: {why}.") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UsageError(f"Cannot read the plan {path}: it is not a regular file.")
    return file


def _open_itself(path: str, flags: int) -> int:
    """Open what stands there, not what a link points to, and do not wait for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


@dataclass(frozen=True)
class _Tail:
    """What stands below the decisions, in bytes and in values.

    *end*: offset of the line that closes the decisions; *middle*: from there to the statement; *last*: the rest.
    """

    end: int
    middle: bytes
    last: bytes
    summary: Summary
    statement: Statement
    statement_bytes: bytes
    signatures: tuple[Signature, ...]


def _check(path: Path, file: BinaryIO) -> PlanFile:
    descriptor = file.fileno()
    with _refused(path, "last lines"):
        tail = _read_tail(descriptor)
    with _refused(path, "first lines"):
        head, header = _read_head(descriptor)
    body = _Pass(path, head)
    with _refused(path, "decisions"):
        checked = tuple(body.check(descriptor, tail.end))
    body.running.update(tail.middle)
    with _refused(path, "statement"):
        _check_statement(tail, header, body.counts.totals(), Subject("plan", Digest(body.running.hexdigest())))
        body.counts.check(header, tail.summary)
    body.running.update(tail.last)
    return PlanFile(
        path=path,
        file=file,
        sha256=body.running.hexdigest(),
        header=header,
        summary=tail.summary,
        statement=tail.statement,
        statement_bytes=tail.statement_bytes,
        signatures=tail.signatures,
        counts=body.counts.by_rule(),
        _start=len(head),
        _blocks=checked,
    )


@contextmanager
def _refused(path: Path, where: str) -> Iterator[None]:
    """Turn what is wrong with the bytes into the error that says where."""
    try:
        yield
    except (ValueError, RecursionError) as error:  # nested too deep
        raise PlanCorrupt(f"{path}, {where}: {error}.") from None


def _read_tail(descriptor: int) -> _Tail:
    """Read backwards from the end of the file up to the decisions' end; raises `ValueError`."""
    end = os.fstat(descriptor).st_size
    lines: deque[bytes] = deque()
    while not lines or lines[0] != layout.END_DECISIONS:
        if len(lines) == MAX_SIGNATURES + _LINES_BELOW:
            raise ValueError("this is not the end of a plan")
        lines.appendleft(line_before(descriptor, end))
        end -= len(lines[0])
    if len(lines) < _LINES_BELOW:
        raise ValueError("this is not the end of a plan")
    _, summary_line, statement_line, _, *signature_lines, _ = lines
    summary = msgspec.json.decode(_value(layout.SUMMARY, summary_line), type=Summary)
    statement_bytes = _value(layout.STATEMENT, statement_line)
    statement = msgspec.json.decode(statement_bytes, type=Statement)
    signatures = tuple(msgspec.json.decode(line.rstrip(layout.NEXT), type=Signature) for line in signature_lines)
    middle, last = layout.middle(summary), layout.tail(layout.encode(statement), signatures)
    if middle + last != b"".join(lines):
        raise ValueError("not the format's spelling of summary, statement and signatures")
    return _Tail(end, middle, last, summary, statement, statement_bytes, signatures)


def _read_head(descriptor: int) -> tuple[bytes, Header]:
    """Read from the beginning up to the first decision; raises `ValueError`."""
    if os.pread(descriptor, len(layout.FIRST_LINE), 0) != layout.FIRST_LINE:
        raise ValueError("this is not a plan of format 1")
    line = line_after(descriptor, len(layout.FIRST_LINE))
    header = msgspec.json.decode(_value(layout.HEADER, line), type=Header)
    line.decode()  # the spec and the answers in it may hold what is not UTF-8
    head = layout.head(header)
    if os.pread(descriptor, len(head), 0) != head:
        raise ValueError("not the format's spelling of a header")
    return head, header


def _value(name: bytes, line: bytes) -> bytes:
    return line.removeprefix(name).removesuffix(layout.NEXT)


class _Pass:
    """The one pass over the decisions: what has been seen, as a digest and as counts."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.running = hashlib.sha256(head)
        self.counts = Counts()
        self._path = path
        self._start = len(head)

    def check(self, descriptor: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Check the decisions up to *end*; yield where each block ends, with the digest of the file up to there."""
        at = self._start
        for block in blocks(descriptor, at, end):
            self.running.update(block)
            at += len(block)
            try:
                self._take(block, last=at == end)
            except (ValueError, RecursionError):
                self._take_one_by_one(block, at, end)
            yield at, self.running.digest()

    def _take(self, lines: bytes, *, last: bool) -> None:
        ending = b"\n" if last else layout.NEXT
        if not lines.endswith(ending):
            raise ValueError("a decision's line does not end as it should")
        self.counts.add(layout.check_decisions(lines.removesuffix(ending)))

    def _take_one_by_one(self, block: bytes, block_end: int, end: int) -> None:
        """Take a block that has something wrong in it line by line, to say where."""
        at = block_end - len(block)
        for line in BytesIO(block):  # pragma: no branch - ends at the wrong line: if all were right, so was the block
            number = _LINES_ABOVE + self.counts.totals().decisions + 1
            with _refused(self._path, f"line {number:,}, byte {at:,}"):
                at += len(line)
                self._take(line, last=at == end)


def _check_statement(tail: _Tail, header: Header, totals: Totals, subject: Subject) -> None:
    """Raise `ValueError` unless the statement says of the file what was found in it."""
    predicate = tail.statement.predicate
    if predicate.bytes != tail.end + len(tail.middle) or tail.statement.subject != (subject,):
        raise ValueError("its digest is not that of the bytes above it")
    if predicate.totals != totals:
        raise ValueError("its totals are not those of the decisions")
    stated = (predicate.target, predicate.spec_sha256, predicate.created, predicate.expires, predicate.partial)
    if stated != (header.target, header.spec_sha256, header.created, header.expires, header.partial):
        raise ValueError("it differs from the header")
