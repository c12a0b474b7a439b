"""The run record: where a run's JSON objects lie in the bucket, and how they are written and read.

    .labelplan/plans/<statement-sha256>     the one run that may apply a plan
    .labelplan/runs/<run>/start.json        what the run is, written before anything else
    .labelplan/runs/<run>/plan.json         the plan file, byte for byte, there before the first delete
    .labelplan/runs/<run>/segments/         what each batch was to delete, and what became of it (`segments.py`)
    .labelplan/runs/<run>/run.json          the run is over: nothing is left to try
    .labelplan/runs/<run>/undo/             what undo did, a batch a file
    .labelplan/runs/<run>/undone.json       everything the run deleted was dealt with, and it deletes nothing more
    .labelplan/runs/<run>/purged.json       the way back was ended on purpose

Nothing is ever overwritten. A record is somebody's word, not a permission: who acts on one looks at the bucket first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from labelplan.errors import RunNotFound
from labelplan.model.run import RUN_PREFIX, PlanClaim, RunEnd, RunStart
from labelplan.store.segments import Segments, UndoSegments, unreadable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from typing import BinaryIO

    from labelplan.model.run import ApplyResult, UndoResult
    from labelplan.store.interface import Writer

T = TypeVar("T")

_PURGED = "purged.json"
_UNDO = "undo"
"""How what an undo writes begins: `undo/` and `undone.json`."""
_RUN = re.compile(r"[0-9]{8}T[0-9]{4}Z-[0-9a-f]{4,64}")


def run_name(when: dt.datetime, token: str) -> str:
    """Name a run by its UTC minute and a hexadecimal *token* (4 digits or more), such as `20261122T1405Z-3f9a`."""
    return f"{when:%Y%m%dT%H%MZ}-{token}"


def read_claim(store: Writer, statement_sha256: str) -> str | None:
    """Return the run that a plan belongs to, or None; raises `RunNotFound` if the claim makes no sense."""
    body = store.read_record(claim_key(statement_sha256))
    if body is None:
        return None
    run = _decode(body, PlanClaim, claim_key(statement_sha256)).run
    if not _RUN.fullmatch(run):
        raise unreadable(claim_key(statement_sha256), f"{run!r} is not the name of a run")
    return run


def claim(store: Writer, statement_sha256: str, run: str) -> str:
    """Give a plan to *run*, unless it belongs to another run already; return the run that it belongs to."""
    while not store.put_once(claim_key(statement_sha256), msgspec.json.encode(PlanClaim(run))):
        if owner := read_claim(store, statement_sha256):
            return owner
    return run


def run_names(store: Writer) -> Iterator[str]:
    """Stream the names of all runs that the bucket has records of, oldest first."""
    folder, last = f"{RUN_PREFIX}runs/", ""
    for key, _ in store.list_records(folder):
        name = key.removeprefix(folder).partition("/")[0]
        if name != last and _RUN.fullmatch(name):
            last = name
            yield name


def claim_key(statement_sha256: str) -> str:
    """Name the record that gives a plan to a run."""
    return f"{RUN_PREFIX}plans/{statement_sha256}"


def check_name(run: str) -> str:
    """Return *run* if it can be a run's name; raises `RunNotFound` if not."""
    if not _RUN.fullmatch(run):
        raise RunNotFound(f"{run!r} is not the name of a run.")
    return run


class RunRecord:
    """One run's records in one bucket."""

    def __init__(self, store: Writer, run: str) -> None:
        """Name the run; raises `RunNotFound` if no run can be called so. Nothing is read yet."""
        self.run = check_name(run)
        self._store = store
        self._folder = f"{RUN_PREFIX}runs/{run}/"
        self.segments = Segments(store, self._folder + "segments/")
        self.undo = UndoSegments(store, self._folder + "undo/")

    def reserve(self, start: RunStart) -> bool:
        """Write `start.json`; False if there is another run of this name."""
        return self._store.put_once(self._folder + "start.json", msgspec.json.encode(start))

    def start(self) -> RunStart:
        """Read `start.json`; raises `RunNotFound`."""
        start = self._read("start.json", RunStart)
        if start is None or start.run != self.run:
            raise RunNotFound(f"The bucket holds no run {self.run}.")
        return start

    def start_time(self) -> dt.datetime:
        """Return S3's time of `start.json`: nothing that the run deleted was deleted before; raises `RunNotFound`."""
        when = self._store.record_time(self._folder + "start.json")
        if when is None:
            raise RunNotFound(f"The bucket holds no run {self.run}.")
        return when

    def results(self) -> Iterator[ApplyResult]:
        """Stream the last word on each object, batch by batch; raises `RunNotFound` if one cannot be read."""
        for batch in self.segments.batches():
            yield from (said.result for said in self.segments.read(batch).values() if said.result)

    def has_plan(self) -> bool:
        """Tell whether `plan.json` is there; it is written whole or not at all."""
        return self._store.record_time(self._folder + "plan.json") is not None

    def put_plan(self, plan: BinaryIO) -> bool:
        """Write `plan.json`; False if something else stands there."""
        return self._store.put_once(self._folder + "plan.json", plan)

    def copy_plan(self, into: BinaryIO) -> bool:
        """Stream `plan.json` into a file; False if there is none."""
        return self._store.copy_record(self._folder + "plan.json", into)

    def end(self) -> RunEnd | None:
        """Read `run.json`, or None."""
        return self._read("run.json", RunEnd)

    def finish(self, end: RunEnd) -> None:
        """Write `run.json`; the first one stays."""
        self._store.put_once(self._folder + "run.json", msgspec.json.encode(end))

    def undone(self) -> RunEnd | None:
        """Read `undone.json`, or None."""
        return self._read("undone.json", RunEnd)

    def undo_begun(self) -> bool:
        """Tell whether an undo has recorded anything, in `undo/` or `undone.json`."""
        return any(name.startswith(_UNDO) for name in self._store.names_in(self._folder))

    def may_go_on(self) -> bool:
        """Tell whether no undo has recorded anything, and the way back was not ended."""
        return not any(name.startswith((_UNDO, _PURGED)) for name in self._store.names_in(self._folder))

    def finish_undo(self, end: RunEnd) -> None:
        """Write `undone.json`; the first one stays."""
        self._store.put_once(self._folder + "undone.json", msgspec.json.encode(end))

    def undo_results(self) -> Iterator[UndoResult]:
        """Stream what undo did; an object may be there several times, its last word last."""
        return self.undo.read()

    def purged(self) -> RunEnd | None:
        """Read `purged.json`, or None."""
        return self._read(_PURGED, RunEnd)

    def finish_purge(self, end: RunEnd) -> None:
        """Write `purged.json`; the first one stays."""
        self._store.put_once(self._folder + _PURGED, msgspec.json.encode(end))

    def _read(self, name: str, kind: type[T]) -> T | None:
        body = self._store.read_record(self._folder + name)
        return None if body is None else _decode(body, kind, self._folder + name)


def _decode(body: bytes, kind: type[T], key: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise unreadable(key, str(error)) from error
