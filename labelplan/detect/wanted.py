"""What is still to be asked about: each content once, with the objects that hold it; on disk, so that any number fits.

A private SQLite database that is gone with the process. Not for answers: those are `cache.py`'s.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any, Self

import msgspec

from labelplan.errors import LabelplanError
from labelplan.model.objects import S3Object
from labelplan.model.response import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

PAGE = 500

_SCHEMA = """
CREATE TABLE wanted(id INTEGER PRIMARY KEY, content BLOB UNIQUE, object BLOB);
CREATE TABLE others(id INTEGER PRIMARY KEY, content BLOB, object BLOB);
CREATE INDEX others_content ON others(content);
CREATE TABLE later(id INTEGER PRIMARY KEY, object BLOB);
CREATE TABLE failed(content BLOB PRIMARY KEY, code TEXT, message TEXT) WITHOUT ROWID;
"""

_decode = msgspec.msgpack.Decoder(S3Object).decode
_encode = msgspec.msgpack.Encoder().encode


class Wanted:
    """A context manager; its methods may be called from many threads."""

    def __init__(self) -> None:
        """Make an empty one."""
        self._lock = threading.Lock()
        # the empty name: a file of SQLite's own in the temporary folder, deleted as soon as it is open
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Throw it away."""
        self.close()

    def close(self) -> None:
        """Throw it away."""
        self._database.close()

    def add(self, wanted: Iterable[tuple[bytes, S3Object]]) -> None:
        """Add objects by content; those whose content is there already wait behind the first."""
        with self._lock:
            self._run("BEGIN")
            for content, item in wanted:
                row = (content, _encode(item))
                if not self._run("INSERT OR IGNORE INTO wanted(content, object) VALUES (?, ?)", row).rowcount:
                    self._run("INSERT INTO others(content, object) VALUES (?, ?)", row)
            self._run("COMMIT")

    def __len__(self) -> int:
        """Count the contents."""
        ((count,),) = self._rows("SELECT count(*) FROM wanted")
        return int(count)

    def items(self) -> Iterator[S3Object]:
        """Yield the first object of each content."""
        last = 0
        while page := self._rows("SELECT id, object FROM wanted WHERE id > ? ORDER BY id LIMIT ?", (last, PAGE)):
            for last, encoded in page:  # noqa: B007 - the next page begins after it
                yield _decode(encoded)

    def others(self, content: bytes, most: int) -> list[S3Object]:
        """Return other objects that hold a content, at most so many."""
        rows = self._rows("SELECT object FROM others WHERE content = ? ORDER BY id LIMIT ?", (content, most))
        return [_decode(encoded) for (encoded,) in rows]

    def put_off(self, item: S3Object) -> None:
        """Come back to an object later."""
        self._rows("INSERT INTO later(object) VALUES (?)", (_encode(item),))

    def take_later(self) -> list[S3Object]:
        """Return some of those that were put off, and forget that they were."""
        query = "DELETE FROM later WHERE id IN (SELECT id FROM later ORDER BY id LIMIT ?) RETURNING object"
        return [_decode(encoded) for (encoded,) in self._rows(query, (PAGE,))]

    def fail(self, content: bytes, why: Unreadable) -> None:
        """Note that a content got no answer in this run, for a reason that says nothing about the content itself."""
        self._rows("INSERT OR REPLACE INTO failed VALUES (?, ?, ?)", (content, why.code, why.message))

    def failures(self, contents: Sequence[bytes]) -> dict[bytes, Unreadable]:
        """Return why those of *contents* have no answer that were noted with `fail`."""
        places = ",".join("?" * len(contents))
        rows = self._rows(f"SELECT content, code, message FROM failed WHERE content IN ({places})", contents)  # noqa: S608 - ? only
        return {content: Unreadable(code, message) for content, code, message in rows}

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return self._run(query, values).fetchall()

    def _run(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._database.execute(query, values)
        except sqlite3.OperationalError as error:
            hint = "Make room, or let TMPDIR name a folder on another disk."
            raise LabelplanError(
                f"The list of what is to be labelled cannot be kept on disk: {error}.", hint=hint
            ) from error
