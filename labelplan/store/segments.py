"""A run's segments: what each batch was about to delete, and what became of it, in files that are written once.

    segments/<batch>-<attempt>.intent.jsonl.zst   written before the deletes: these objects are there as planned
    segments/<batch>-<attempt>.done.jsonl.zst     written after them: what became of each object of the batch

A batch is a thousand of the plan's deletes, the same whoever works on it. An attempt is a number from 1; whoever goes
on with a batch takes the next free one. Lines are JSON (`model/run.py`).
"""

from __future__ import annotations

import io
import re
import secrets
import struct
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec
import zstandard

from labelplan.errors import RunNotFound
from labelplan.model.run import ApplyResult, Intent, UndoResult

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence

    from labelplan.store.interface import Writer

_NAME = re.compile(r"([0-9]{6,})-(0[1-9]|[1-9][0-9]+)\.(?:(intent|done)\.)?jsonl\.zst")
_LARGEST = 64 << 20
"""No file of a thousand lines is larger when it is unpacked, in bytes."""

Line = TypeVar("Line", Intent, ApplyResult, UndoResult)


class Said(NamedTuple):
    """What the record says of one object. *intent*: the last one that names it; its attributes are those of its copy.

    *since*, *last*: S3's times of the first and the last such intent; None: there is none. *until*: S3's time of the
    last result. *compared*: whether the server compared the ETag with every delete. *open*: an attempt got no plain yes
    or no, so its delete may have come since, or still come.
    """

    intent: Intent | None
    since: dt.datetime | None
    result: ApplyResult | None
    until: dt.datetime | None
    compared: bool = True
    last: dt.datetime | None = None
    open: bool = False

    @property
    def settled(self) -> bool:
        """Tell whether nothing is left to try."""
        return self.result is not None and self.result.outcome != "failed"

    @property
    def denied(self) -> bool:
        """Tell whether every attempt was refused for good, so that nothing was deleted, nor will be."""
        return self.result is not None and self.result.denied and not self.open


NOTHING = Said(None, None, None, None)


class _File(NamedTuple):
    key: str
    time: dt.datetime


_Index = dict[int, dict[int, dict[str, _File]]]
"""The files by batch, attempt, and `intent` or `done`."""


class Segments:
    """The segments of one run."""

    def __init__(self, store: Writer, folder: str) -> None:
        """Name the folder; nothing is read yet."""
        self._store = store
        self._folder = folder
        self._index: _Index | None = None

    def read(
        self, batch: int, *, anew: bool = False, unreadable: Callable[[RunNotFound], object] | None = None
    ) -> dict[str, Said]:
        """Return what the record says of a batch's objects, by key: when this process first looked, or *anew*.

        Deleted if one attempt deleted it, else the last word. Raises `RunNotFound` if a file cannot be read; with
        *unreadable*, that hears of it, and what the other files say is returned.
        """
        found: dict[str, Said] = {}
        index = self._list(f"{batch:06}-") if anew else self._files()
        for _, files in sorted(index.get(batch, {}).items()):
            before: dict[str, bool] = {}
            if intent := files.get("intent"):
                for line in _read(self._store, intent.key, Intent, unreadable):
                    said = found.get(line.key, NOTHING)
                    before[line.key] = said.open
                    found[line.key] = said._replace(
                        intent=line,
                        since=said.since or intent.time,
                        compared=said.compared and line.compares,
                        last=intent.time,
                        open=True,
                    )
            if done := files.get("done"):
                for result in _read(self._store, done.key, ApplyResult, unreadable):
                    said = found.get(result.key, NOTHING)
                    doubtful = result.outcome == "failed" and not result.denied
                    said = said._replace(open=before.get(result.key, said.open) or (doubtful and result.key in before))
                    if said.result is None or said.result.outcome != "deleted":
                        said = said._replace(result=result, until=done.time)
                    found[result.key] = said
        return found

    def batches(self) -> list[int]:
        """Return the numbers of the batches that anything is recorded of, in order."""
        return sorted(self._files())

    def intend(self, batch: int, intents: Sequence[Intent]) -> int:
        """Record what is about to be deleted; return the attempt's number."""
        attempt = max(self._files().get(batch, ()), default=0) + 1
        while not self._put(batch, attempt, "intent", intents):
            attempt += 1  # another process was faster
        return attempt

    def settle(self, batch: int, attempt: int | None, results: Sequence[ApplyResult]) -> None:
        """Record what became of the batch; *attempt*: None if nothing was intended."""
        attempt = attempt or max(self._files().get(batch, ()), default=0) + 1
        while not self._put(batch, attempt, "done", results):
            attempt += 1

    def _put(self, batch: int, attempt: int, what: str, lines: Sequence[Intent] | Sequence[ApplyResult]) -> bool:
        # two processes that write the same lines are told apart: one file is one attempt of one process
        body = pack(lines) + _skipped(secrets.token_bytes(8))
        return self._store.put_once(f"{self._folder}{batch:06}-{attempt:02}.{what}.jsonl.zst", body)

    def _files(self) -> _Index:
        if self._index is None:
            self._index = self._list("")
        return self._index

    def _list(self, beginning: str) -> _Index:
        index: _Index = defaultdict(lambda: defaultdict(dict))
        for key, time in self._store.list_records(self._folder + beginning):
            if (match := _NAME.fullmatch(key.removeprefix(self._folder))) and match[3]:
                index[int(match[1])][int(match[2])][match[3]] = _File(key, time)
        return index


class UndoSegments:
    """What undo did: `undo/<batch>-<attempt>.jsonl.zst`."""

    def __init__(self, store: Writer, folder: str) -> None:
        """Name the folder; nothing is read yet."""
        self._store = store
        self._folder = folder
        self._index: dict[int, list[_File]] | None = None

    def batches(self) -> list[int]:
        """Return the numbers of the batches that anything is recorded of, in order."""
        return sorted(self._files())

    def times(self, batch: int) -> dict[str, dt.datetime]:
        """Return when, by S3's clock, an undo had last found or brought back an object of a batch, by key.

        As it was when this process first looked, and as far as it can be read.
        """
        return {
            result.key: file.time
            for file in self._files().get(batch, ())
            for result in _read(self._store, file.key, UndoResult, lambda _: None)
            if result.outcome in {"restored", "present"}
        }

    def add(self, batch: int, results: Sequence[UndoResult]) -> None:
        """Write the batch's next file; one that is there is passed over."""
        body, attempt = pack(results), len(self._files().get(batch, ())) + 1
        while not self._store.put_once(f"{self._folder}{batch:06}-{attempt:02}.jsonl.zst", body):
            attempt += 1

    def read(self) -> Iterator[UndoResult]:
        """Stream all results, batch by batch; an object may be there several times, its last word last."""
        for batch in self.batches():
            for file in self._files()[batch]:
                yield from _read(self._store, file.key, UndoResult)

    def _files(self) -> dict[int, list[_File]]:
        if self._index is None:
            index: dict[int, list[_File]] = defaultdict(list)
            for key, time in self._store.list_records(self._folder):
                if (match := _NAME.fullmatch(key.removeprefix(self._folder))) and not match[3]:
                    index[int(match[1])].append(_File(key, time))
            self._index = index
        return self._index


def pack(lines: Sequence[msgspec.Struct]) -> bytes:
    """Write JSON lines, compressed."""
    return zstandard.ZstdCompressor().compress(msgspec.json.Encoder().encode_lines(lines))


def _skipped(note: bytes) -> bytes:
    """Write a frame that Zstandard's readers skip (RFC 8878, 3.1.2)."""
    return struct.pack("<II", 0x184D2A50, len(note)) + note


def _read(
    store: Writer, key: str, kind: type[Line], unreadable: Callable[[RunNotFound], object] | None = None
) -> list[Line]:
    try:
        return _unpacked(store.read_record(key) or b"", key, kind)
    except RunNotFound as error:
        if unreadable is None:
            raise
        unreadable(error)
        return []


def unreadable(key: str, why: str) -> RunNotFound:
    """Make the error that says which record cannot be read."""
    return RunNotFound(
        f"The record {key} cannot be read: {why}.",
        hint="It was damaged, or written by something else than this version of labelplan. To look at it: "
        f"aws s3 cp s3://BUCKET/{key} -",
    )


def _unpacked(body: bytes, key: str, kind: type[Line]) -> list[Line]:
    try:
        # what a file says of its own size is not believed
        with zstandard.ZstdDecompressor(max_window_size=_LARGEST).stream_reader(io.BytesIO(body)) as unpacking:
            text = unpacking.read(_LARGEST + 1)
        lines = msgspec.json.Decoder(kind).decode_lines(text if len(text) <= _LARGEST else b"")
    except (msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise unreadable(key, str(error)) from error
    if not lines:
        raise unreadable(key, "it is empty, or too large")
    return lines
