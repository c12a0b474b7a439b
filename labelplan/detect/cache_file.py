"""The cache's file: made once, by whoever comes first; recognised before anything in it is touched.

Whatever SQLite or the system says of it becomes `CacheUnusable`. What the tables hold is `cache.py`'s business.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from labelplan.errors import CacheUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "LABELPLAN_CACHE"

APPLICATION = 0x6C706C61
"""`lpla`, in the file's header where SQLite keeps whose file it is."""

FORMAT = 1

BUSY_S = 120.0
"""How long a process waits for another one that is writing; a write takes milliseconds, one of a prune's steps more."""

PAGES_KB = 32768
"""Of the file that are held in memory at most, so that most of a large index is not read again for each answer."""

_SCHEMA = (
    "CREATE TABLE kinds(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    """CREATE TABLE answers(
      id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, content BLOB NOT NULL,
      stored INTEGER NOT NULL, model TEXT NOT NULL, code TEXT, body BLOB NOT NULL, UNIQUE(kind, content))""",
    """CREATE TABLE claims(
      kind INTEGER NOT NULL, content BLOB NOT NULL, owner TEXT NOT NULL, PRIMARY KEY(kind, content)) WITHOUT ROWID""",
    f"PRAGMA application_id={APPLICATION}",
    f"PRAGMA user_version={FORMAT}",
)
"""*stored*: seconds since 1970. *model*, *code* and *body*: see `cache_row.Row`."""

_OF_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_CONSTRAINT")
"""SQLite's words for a damaged file; the last two because our own queries are in order."""

_DAMAGED = "Move it away: the next run makes a new one, and pays again for what no plan given with --from holds."
_creating = threading.Lock()
"""To close a file takes SQLite's locks on it away in this process (POSIX): nobody has it open while it is made."""

_OTHER_FILE = f"{VARIABLE} names another file to use instead."


def default_cache_path(env: Mapping[str, str]) -> Path:
    """Return where the cache is: `LABELPLAN_CACHE`, else `labelplan/answers.sqlite` among the user's caches."""
    if named := env.get(VARIABLE):
        return Path(named).expanduser()
    caches = env.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "labelplan" / "answers.sqlite"


def owners_folder(path: Path) -> Path:
    """Return the folder beside the cache in which each process that uses it has a file."""
    return path.with_name(f"{path.name}.owners")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say about the cache at *path* into `CacheUnusable`."""
    try:
        yield
    except UnicodeDecodeError:  # Python's, of a text in a damaged file
        raise CacheUnusable(f"The cache of answers {path} is damaged.", hint=_DAMAGED) from None
    except sqlite3.Error as error:
        raise _explain(error, path) from None
    except OSError as error:
        raise CacheUnusable(f"The cache of answers {path} cannot be used: {error.strerror or error}.") from None


def _explain(error: sqlite3.Error, path: Path) -> CacheUnusable:
    python_said = "" if isinstance(error, sqlite3.ProgrammingError) else "SQLITE_ERROR"
    name = getattr(error, "sqlite_errorname", python_said)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        what = f"The cache of answers {path} has been in use by another process for {BUSY_S:.0f} s."
        return CacheUnusable(what, hint=f"Run the same command again later; {_OTHER_FILE}")
    if name.startswith(_OF_DAMAGE):
        return CacheUnusable(f"The cache of answers {path} is damaged, or no such cache: {error}.", hint=_DAMAGED)
    return CacheUnusable(f"The cache of answers {path} cannot be used: {error}.")


class CacheFile:
    """One connection, for one thread at a time; everything here raises `CacheUnusable`."""

    def __init__(self, path: Path) -> None:
        """Open the file at *path*, made if there is none; readable by its owner only."""
        self.path = path
        self._lock = threading.Lock()
        with explained(path):
            self._database = _open(path)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for queries; nobody else has it meanwhile."""
        with self._lock, explained(self.path):
            yield self._database

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction that no other process's comes between; committed on leaving."""
        with self.reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # SQLite has ended it itself after some errors
                    database.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self.reading() as database:
            database.close()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _creating:
        if not path.exists():
            _create(path)
        database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        if _is_new(database, path):
            _make(database, path)
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(f"PRAGMA cache_size=-{PAGES_KB}")
    except BaseException:
        database.close()
        raise
    return database


def _create(path: Path) -> None:
    """Make an empty file that nobody else may read; SQLite gives the files beside it the same mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _is_new(database: sqlite3.Connection, path: Path) -> bool:
    """Tell whether nothing was made in it yet; raises `CacheUnusable` for what is not ours, or a later version's."""
    ((application, version, tables),) = database.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    )
    if (application, version, tables) == (0, 0, 0):
        return True
    if application != APPLICATION:
        raise CacheUnusable(f"{path} is a database, but no cache of labelplan's; it was left alone.")
    if version != FORMAT:
        what = f"The cache of answers {path} is of another labelplan: its format is {version}, not {FORMAT}."
        raise CacheUnusable(what, hint=f"Use that labelplan, or another file: {_OTHER_FILE}")
    return False


def _make(database: sqlite3.Connection, path: Path) -> None:
    """Make the tables, unless another process was quicker."""
    database.execute("PRAGMA auto_vacuum=INCREMENTAL")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("BEGIN IMMEDIATE")
    if _is_new(database, path):
        for statement in _SCHEMA:
            database.execute(statement)
    database.execute("COMMIT")
