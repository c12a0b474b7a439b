"""What the cache holds, and throwing some of it away; other processes may go on using it meanwhile.

Only rows are counted and deleted here: what an answer cost is for whoever asks.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.detect.cache_file import CacheFile

_STEP_ROWS, _STEP_PAGES = 5_000, 1_000
"""What is deleted, and given back, in one transaction: between two of them others get their turn."""


class Kept(Struct, frozen=True):
    """What is kept of one kind. *oldest*, *newest*: seconds since 1970."""

    kind: str
    answers: int
    refusals: int
    oldest: int
    newest: int


class CacheStats(Struct, frozen=True):
    """What is kept, by kind in the order of their names, and the bytes it takes on disk."""

    kinds: tuple[Kept, ...]
    bytes: int

    @property
    def answers(self) -> int:
        """Count the answers of all kinds."""
        return sum(kept.answers for kept in self.kinds)

    @property
    def refusals(self) -> int:
        """Count the refusals of all kinds."""
        return sum(kept.refusals for kept in self.kinds)


def count(file: CacheFile, before: int | None, kind: str | None) -> CacheStats:
    """Count what was kept before a time (seconds since 1970; None: all) and is of a kind (None: all)."""
    query = (
        "SELECT text, count(*) - count(code), count(code), min(stored), max(stored) FROM answers"
        " JOIN kinds ON kinds.id = answers.kind WHERE stored < ifnull(?, stored + 1) AND text = ifnull(?, text)"
        " GROUP BY text ORDER BY text"
    )
    with file.reading() as database:
        kinds = tuple(Kept(*row) for row in database.execute(query, (before, kind)))
    return CacheStats(kinds, _bytes(file.path))


def delete(file: CacheFile, before: int | None, kind: str | None) -> None:
    """Delete what `count` counts, and give its room back to the disk; what comes meanwhile stays."""
    with file.reading() as database:
        ((last,),) = database.execute("SELECT max(id) FROM answers")
    done: int | None = 0
    while done is not None:
        with file.writing() as database:
            done = _delete_next(database, (done, last), before, kind)
    _give_back(file)


def _delete_next(
    database: sqlite3.Connection, between: tuple[int, int], before: int | None, kind: str | None
) -> int | None:
    """Look at the next rows, delete those that are meant, and return the last that was looked at; None: at the end."""
    rows = "SELECT id FROM answers WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
    ((upto,),) = database.execute(f"SELECT max(id) FROM ({rows})", (*between, _STEP_ROWS))  # noqa: S608 - all of it is here
    database.execute(
        "DELETE FROM answers WHERE id > ? AND id <= ? AND stored < ifnull(?, stored + 1)"
        " AND kind IN (SELECT id FROM kinds WHERE text = ifnull(?, text))",
        (between[0], upto, before, kind),
    )
    return int(upto) if upto is not None else None


def _give_back(file: CacheFile) -> None:
    """Shrink the file, as far as that goes: an empty file that somebody else made may not be made to."""
    before, free = 0, -1
    while free != before:
        before = free
        with file.reading() as database:
            database.execute(f"PRAGMA incremental_vacuum({_STEP_PAGES})").fetchall()
            ((free,),) = database.execute("PRAGMA freelist_count")
    with file.reading() as database, contextlib.suppress(sqlite3.OperationalError):  # somebody reads: it is done later
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _bytes(path: Path) -> int:
    """Add up the file and what SQLite has beside it."""
    files = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    total = 0
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_size
    return total
