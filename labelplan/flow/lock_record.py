"""The lock as it lies in the bucket: who holds it, whether it may be taken, and how it is released.

One object, `.labelplan/lock`, made once (`If-None-Match: *`), from then on only replaced under the ETag that was read
(`If-Match`), and never deleted: of several who write at once exactly one succeeds, on every server with conditional
writes. Its times are S3's own; this machine's clock is never asked. Holding on to it is the business of `lock.py`.
"""

from __future__ import annotations

import datetime as dt
import getpass
import os
import secrets
import shlex
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from labelplan.errors import Locked
from labelplan.model.run import RUN_PREFIX, Lock

if TYPE_CHECKING:
    from labelplan.store.interface import Writer

LOCK = f"{RUN_PREFIX}lock"

TRIES = 5
"""How often a write is tried again at once when somebody else wrote at the same moment."""

_NEVER = dt.datetime.fromtimestamp(0, dt.UTC)
_VACANT = Lock("labelplan/lock/1", "", 0, "", "", 0, "", "", _NEVER, _NEVER, released=True)

HELD_HERE: set[str] = set()
"""The ids of the locks that this very process holds, or is about to take."""


class Found(NamedTuple):
    """The lock as it was read. *now*: S3's clock when it answered, in whole seconds, so never ahead of it."""

    lock: Lock
    etag: str
    now: dt.datetime

    @property
    def is_held(self) -> bool:
        """Tell whether somebody may be at work."""
        return not self.lock.released and self.now < self.lock.expires

    def can_be_taken_for(self, work: str) -> bool:
        """Tell whether whoever does *work* on this machine may take the lock over at once.

        So if nobody holds it; and if its holder was doing the same work on this machine, and is dead. A machine is
        known by its name alone: of two with one name, the second may take over what the first is still working on,
        which costs order, not safety.
        """
        same = (self.lock.host, self.lock.work) == (socket.gethostname(), work)
        return not self.is_held or (same and is_dead(self.lock))

    def is_still(self, lock: Lock) -> bool:
        """Tell whether this is the very *lock*, taken over and released by nobody."""
        return (self.lock.id, self.lock.generation) == (lock.id, lock.generation) and not self.lock.released


def ticket(command: str, work: str) -> Lock:
    """Make a lock for this process, not yet taken."""
    return replace(
        _VACANT,
        id=secrets.token_hex(8),
        owner=_user(),
        host=socket.gethostname(),
        pid=os.getpid(),
        command=command,
        work=work,
        released=False,
    )


def find(writer: Writer) -> Found | None:
    """Read the lock, None if there never was one; raises `Locked` if it cannot be understood."""
    record = writer.dated_record(LOCK)
    if record is None:
        return None
    try:
        lock = msgspec.json.decode(record.body, type=Lock)
        lock = replace(lock, started=_in_utc(lock.started), expires=_in_utc(lock.expires))
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise _unreadable(writer, str(error)) from error
    return Found(lock, record.etag, record.now)


def find_or_make(writer: Writer) -> Found | None:
    """Read the lock; where there is none, make one that nobody holds first (`If-None-Match: *`)."""
    found = find(writer)
    if found is None:
        writer.put_once(LOCK, msgspec.json.encode(_VACANT))
        found = find(writer)
    return found


def write(writer: Writer, found: Found, lock: Lock) -> bool:
    """Write *lock* in place of what was *found*; False if somebody else wrote meanwhile."""
    return writer.replace_record(LOCK, msgspec.json.encode(lock), found.etag) is not None


def release(writer: Writer, lock: Lock) -> bool:
    """Write that nobody holds *lock* any more; False if somebody else holds one now, or nobody did."""
    for _ in range(TRIES):
        found = find(writer)
        if found is None or not found.is_still(lock):
            return False
        # its holder may be renewing it at this moment
        if write(writer, found, replace(found.lock, released=True)):
            return True
    raise Locked(f"The lock {lock.id} could not be released: it is written again and again.", hint="Try again.")


def held_by(lock: Lock) -> str:
    """Say who holds *lock*, since when, for what and until when."""
    return (
        f"{lock.owner}@{lock.host}, pid {lock.pid}, since {lock.started:%Y-%m-%d %H:%M:%S} UTC, for: {lock.command}. "
        f"The lease ends at {lock.expires:%H:%M:%S} UTC unless it is renewed. Lock id: {lock.id}"
    )


def locked(writer: Writer, lock: Lock) -> Locked:
    """Make the error that says who holds the lock, and what can be done."""
    bucket = writer.target().bucket
    unlock = shlex.join(["labelplan", "unlock", bucket, lock.id])
    return Locked(
        f"s3://{bucket} is locked by {held_by(lock)}",
        hint=f"Wait with --lock-timeout. Only if you are sure that nobody is at work any more: {unlock}",
    )


def is_dead(lock: Lock) -> bool:
    """Tell whether the process that took *lock* is known to be gone; the lock must be of this machine.

    If the process id is in use again the old process looks alive, and its lease has to run out. Our own id is the
    exception: what has our id, and is no lock of ours, was taken by a process before us.
    """
    if lock.pid == os.getpid():
        return lock.id not in HELD_HERE
    if lock.pid <= 0:
        return False  # kill would take it for a whole group of processes
    try:
        os.kill(lock.pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False  # it is somebody else's; or no process can have such a number, and who knows what wrote it
    return _is_zombie(lock.pid)


def _is_zombie(pid: int) -> bool:
    """Tell whether a process has ended, and only its parent has not looked yet; where the system has no /proc, no."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["Z"]  # the name before it may hold anything


def _in_utc(when: dt.datetime) -> dt.datetime:
    if when.tzinfo is None:
        raise ValueError("a time has no zone")
    return when.astimezone(dt.UTC)


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user that has no name
        return f"uid {os.getuid()}"


def _unreadable(writer: Writer, why: str) -> Locked:
    place = f"s3://{writer.target().bucket}/{LOCK}"
    return Locked(
        f"{place} is not a lock that this version of labelplan can read: {why}.",
        hint=f"Somebody may be at work with another version. When you are sure that nobody is: aws s3 rm {place}",
    )
