"""The answers that were paid for: kept on disk at once, found again by content, for all processes of one machine.

One SQLite file in WAL mode. What `keep` returned from survives a kill at any instant; a power cut may take the last
moments. Not for deciding which answer counts: that is `flow`'s business, as is what to do while somebody else asks.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Self

from labelplan.detect.cache_file import CacheFile, default_cache_path, explained, owners_folder
from labelplan.detect.cache_owner import Owner
from labelplan.detect.cache_row import from_row, is_intact, to_row
from labelplan.detect.cache_upkeep import CacheStats, count, delete
from labelplan.errors import CacheUnusable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from labelplan.model.response import Answer

__all__ = ["AnswerCache", "CacheStats", "Claim", "default_cache_path", "open_cache"]

Claim = Literal["mine", "answered", "theirs"]

_BATCH = 500
"""Contents looked up, or kept, at once."""

_INSERT = (
    "INSERT INTO answers(kind, content, stored, model, code, body) VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(kind, content)"
)
_REPLACE = (
    f"{_INSERT} DO UPDATE SET stored = excluded.stored, model = excluded.model, code = excluded.code,"
    " body = excluded.body"
)
_ADD = f"{_INSERT} DO NOTHING"


class AnswerCache:
    """A context manager; every method may be called from many threads, and raises `CacheUnusable`."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Open the file at *path*, made if there is none; *clock* tells the seconds since 1970."""
        self._clock = clock
        self._kinds: dict[str, int] = {}
        self._file = CacheFile(path)
        try:
            with explained(path):
                self._owner = Owner(owners_folder(path))
            with self._file.writing() as database:
                for name in self._owner.dead():
                    database.execute("DELETE FROM claims WHERE owner = ?", (name,))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def find(self, kind: str, contents: Sequence[bytes]) -> dict[bytes, Answer]:
        """Return the answers that are kept, by content."""
        found = {}
        for content, model, code, body in self._rows(kind, contents):
            if (answer := from_row(content, model, code, body)) is not None:
                found[content] = answer
        return found

    def models(self, kind: str, contents: Sequence[bytes]) -> dict[bytes, str]:
        """Return the `LabelModelVersion` of the answers that are kept, by content; it is empty for a refusal."""
        rows = self._rows(kind, contents)
        return {content: model for content, model, code, body in rows if is_intact(content, model, code, body)}

    def claim(self, kind: str, content: bytes, model: str = "") -> Claim:
        """Say who asks about a content: `mine`, the caller; `theirs`, somebody is at it; `answered`, nobody need.

        An answer of another `LabelModelVersion` than *model* does not count, unless that is empty; a refusal does.
        Only one caller is told `mine`, in this process or another, until he has kept an answer, released it, or died.
        """
        number = self._number(kind)
        with self._file.writing() as database:
            rows = database.execute(_query(1), (number, content)).fetchall()
            if any(_counts(there, code, model) and from_row(row, there, code, body) for row, there, code, body in rows):
                return "answered"
            owners = database.execute("SELECT owner FROM claims WHERE kind = ? AND content = ?", (number, content))
            if any(self._owner.is_alive(owner) for (owner,) in owners.fetchall()):
                return "theirs"
            database.execute("INSERT OR REPLACE INTO claims VALUES(?, ?, ?)", (number, content, self._owner.name))
        return "mine"

    def release(self, kind: str, content: bytes) -> None:
        """Ask no longer, without an answer; where this cache claims nothing, nothing happens."""
        number = self._number(kind)
        with self._file.writing() as database:
            self._end_claim(database, number, content)

    def keep(self, kind: str, content: bytes, answer: Answer) -> None:
        """Keep an answer, in place of an older one, and end this cache's claim; it is on disk when this returns.

        Raises `ValueError` for a refusal that is not the content's own.
        """
        row = to_row(content, answer)
        number = self._number(kind)
        with self._file.writing() as database:
            database.execute(_REPLACE, (number, content, int(self._clock()), *row))
            self._end_claim(database, number, content)

    def keep_many(self, kind: str, answers: Iterable[tuple[bytes, Answer]]) -> int:
        """Keep answers where there is none yet, many at once; return how many were new. Claims stay as they are.

        Raises `ValueError` as `keep` does; what was given before is then kept in part.
        """
        number, stored, new = self._number(kind), int(self._clock()), 0
        rows = ((number, content, stored, *to_row(content, answer)) for content, answer in answers)
        while some := list(islice(rows, _BATCH)):
            with self._file.writing() as database:
                new += database.executemany(_ADD, some).rowcount
        return new

    def stats(self, *, older_than: dt.timedelta | None = None, kind: str | None = None) -> CacheStats:
        """Count what is kept, or only what `prune` would delete."""
        return count(self._file, self._before(older_than), kind)

    def prune(self, *, older_than: dt.timedelta | None = None, kind: str | None = None) -> None:
        """Delete what was kept longer ago (None: whenever) and is of that kind (None: any), and shrink the file."""
        delete(self._file, self._before(older_than), kind)

    def close(self) -> None:
        """Give up what is claimed, and close the file; may be called twice."""
        with contextlib.suppress(CacheUnusable), self._file.writing() as database:
            database.execute("DELETE FROM claims WHERE owner = ?", (self._owner.name,))
        self._owner.leave()
        self._file.close()

    def _rows(self, kind: str, contents: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        """Yield content, model, code and body of those that are there."""
        number = self._number(kind)
        for start in range(0, len(contents), _BATCH):
            some = contents[start : start + _BATCH]
            with self._file.reading() as database:
                rows = database.execute(_query(len(some)), (number, *some)).fetchall()
            yield from rows

    def _number(self, kind: str) -> int:
        """Return the number of a kind; it is remembered only when it is committed, or it could become another's."""
        if kind not in self._kinds:
            with self._file.writing() as database:
                database.execute("INSERT OR IGNORE INTO kinds(text) VALUES(?)", (kind,))
            with self._file.reading() as database:
                row = database.execute("SELECT id FROM kinds WHERE text = ?", (kind,)).fetchone()
                if row is None:
                    raise sqlite3.DatabaseError("an index is wrong")
                self._kinds[kind] = row[0]
        return self._kinds[kind]

    def _end_claim(self, database: sqlite3.Connection, number: int, content: bytes) -> None:
        query = "DELETE FROM claims WHERE kind = ? AND content = ? AND owner = ?"
        database.execute(query, (number, content, self._owner.name))

    def _before(self, older_than: dt.timedelta | None) -> int | None:
        return None if older_than is None else int(self._clock() - older_than.total_seconds())


def open_cache(path: Path, clock: Callable[[], float] = time.time) -> AnswerCache:
    """Open the cache at *path*, made if there is none; *clock* tells the seconds since 1970."""
    return AnswerCache(path, clock)


@cache
def _query(count: int) -> str:
    places = ",".join("?" * count)
    return f"SELECT content, model, code, body FROM answers WHERE kind = ? AND content IN ({places})"  # noqa: S608 - ? only


def _counts(there: str, code: str | None, model: str) -> bool:
    return code is not None or not model or there == model
