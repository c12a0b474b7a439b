"""One apply or undo in a bucket at a time: the lock is taken, kept for as long as the work goes on, and released.

It is a lease by S3's clock, renewed by a thread. It keeps people out of each other's way and no more: a delete that is
under way when a lease runs out is not stopped by it. What keeps the objects safe is the condition on each delete
(docs/decisions/0010-apply-in-bulk.md). What the lock is, and when it may be taken, is in `lock_record.py`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

from msgspec.structs import replace

from labelplan.errors import AwsRefused, LabelplanError, Locked, NoWayBack
from labelplan.flow.lock_record import (
    HELD_HERE,
    LOCK,
    TRIES,
    Found,
    find,
    find_or_make,
    held_by,
    locked,
    release,
    ticket,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labelplan.model.run import Capabilities, Lock
    from labelplan.store.interface import Writer

LEASE = 120.0
"""Seconds, by S3's clock, until a lock that is not renewed may be taken by anybody."""

EVERY, SOON = 30.0, 5.0
"""Seconds until the lock is renewed again; and if that failed."""

MARGIN = 20.0
"""Seconds before its end from which on a lease is good for no further batch."""

POLL = 2.0
"""Seconds between two looks at a lock that somebody else holds."""

_EXACT = 1.0
"""S3's clock tells whole seconds: it may be ahead of what it says by so much."""


class Lease(Protocol):
    """The right to go on."""

    def require(self) -> None:
        """Raise `Locked` if the lock was lost, or may be soon; to be called before each batch, from any thread."""


class NoLock:
    """A lease that always holds, for `--no-lock`."""

    def require(self) -> None:
        """See `Lease.require`."""

    def __enter__(self) -> Self:
        """Be used where `hold` is."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release nothing."""


def no_lock() -> NoLock:
    """Return a lease that always holds; usable in place of `hold` as well."""
    return NoLock()


def require_conditional_puts(found: Capabilities) -> None:
    """Raise `NoWayBack` if the endpoint was seen to ignore the conditions without which there is no lock."""
    if not (found.put_absent and found.put_match):
        raise NoWayBack(
            "This server ignores conditions on PutObject, so two at once could both believe that they hold the lock.",
            hint="Make sure that nobody else applies or undoes anything in this bucket, and add --no-lock.",
        )


def steady() -> float:
    """Return seconds that pass evenly, and go on while the machine sleeps where the system can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@contextlib.contextmanager
def hold(  # noqa: PLR0913 - three of them are for the caller's patience, and one for tests
    writer: Writer,
    *,
    command: str,
    work: str,
    timeout: float = 0,
    waiting: Callable[[str], object] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = steady,
) -> Iterator[Lease]:
    """Hold the bucket's lock for the block.

    *command*: what a person who has to wait is told. *work*: the SHA-256 of the plan's statement; whoever does the same
    work on the same machine takes over at once from a process that is dead. *timeout*: how many seconds to wait for
    somebody else; *waiting* then hears once who it is. *sleep* may end the wait by returning True, as the `wait` of an
    event does: `KeyboardInterrupt` is raised. Raises `Locked` if somebody else holds the lock.

    It is released however the block ends; if that fails, or the process is killed, the lease runs out by itself.
    """
    mine = ticket(command, work)
    HELD_HERE.add(mine.id)
    done = threading.Event()
    try:
        lease = _acquire(writer, mine, timeout, waiting, sleep, clock)
        renewing = threading.Thread(target=lease.keep, args=(done,), name="labelplan-lock", daemon=True)
        try:
            renewing.start()
            yield lease
        finally:
            done.set()
            lease.release()
    finally:
        HELD_HERE.discard(mine.id)


def _acquire(  # noqa: PLR0913, PLR0917 - what `hold` got
    writer: Writer,
    mine: Lock,
    timeout: float,
    waiting: Callable[[str], object],
    sleep: Callable[[float], object],
    clock: Callable[[], float],
) -> _Held:
    deadline, told = clock() + timeout, False
    while True:
        result = _take(writer, mine, clock)
        if isinstance(result, _Held):
            return result
        left = deadline - clock()
        if left <= 0:
            raise locked(writer, result)
        if not told:
            waiting(held_by(result))
            told = True
        if sleep(min(POLL, left)):
            raise KeyboardInterrupt


def _take(writer: Writer, mine: Lock, clock: Callable[[], float]) -> _Held | Lock:
    """Take the lock if it is free, now; else return who has it."""
    for _ in range(TRIES):
        sent = clock()
        found = find_or_make(writer)
        if found is None:
            continue
        if not found.can_be_taken_for(mine.work):
            return found.lock
        lock = replace(mine, generation=found.lock.generation + 1, started=found.now, expires=_end(found))
        if write(writer, found, lock):
            return _Held(writer, lock, sent, clock)
        # somebody was faster; who, the next look shows
    raise AwsRefused(
        f"The lock s3://{writer.target().bucket}/{LOCK} cannot be taken, though nobody holds it.",
        hint="Run the same command again later.",
    )


def _end(found: Found) -> dt.datetime:
    return found.now + dt.timedelta(seconds=LEASE)


class _Held:
    """The lock while it is held. One thread renews it, any may ask whether it still holds."""

    def __init__(self, writer: Writer, lock: Lock, sent: float, clock: Callable[[], float]) -> None:
        """*sent*: what *clock* showed before the request whose answer told S3's time, from which the lease counts."""
        self._writer = writer
        self._lock = lock
        self._clock = clock
        self._lost = self._trouble = ""
        self._good_until = _good_until(sent)

    def require(self) -> None:
        """See `Lease.require`."""
        if self._lost or self._clock() >= self._good_until:
            why = self._lost or f"it could not be renewed in time. {self._trouble}".rstrip()
            raise Locked(
                f"The lock {self._lock.id} on the bucket was lost: {why}",
                hint="Nothing more was begun. The same command goes on where this one stopped.",
            )

    def keep(self, done: threading.Event) -> None:
        """Renew the lock now and then until *done*, or until it is lost."""
        pause = EVERY
        while not (self._lost or done.wait(pause)):
            pause = EVERY if self.renew() else SOON

    def renew(self) -> bool:
        """Make the lease last longer, if it still is ours, even if it has run out; tell whether that is known to be."""
        try:
            return self._renew()
        except Locked as error:
            self._lost = error.what
        except LabelplanError as error:
            self._trouble = error.what
        return False

    def _renew(self) -> bool:
        sent = self._clock()
        found = find(self._writer)
        if found is None or not found.is_still(self._lock):
            self._lost = _taken(found)
            return False
        if not write(self._writer, found, replace(self._lock, expires=_end(found))):
            return False  # the next look shows who wrote
        self._good_until = _good_until(sent)
        return True

    def release(self) -> None:
        """Let others have it; they will after a while even if this fails."""
        with contextlib.suppress(LabelplanError):
            release(self._writer, self._lock)


def _good_until(sent: float) -> float:
    return sent + LEASE - MARGIN - _EXACT


def _taken(found: Found | None) -> str:
    if found is None:
        return f"somebody removed {LOCK}."
    if found.lock.released:
        return "somebody unlocked the bucket."
    return f"it was taken by {held_by(found.lock)}"
