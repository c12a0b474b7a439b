"""How a caller of apply or undo wants the bucket's lock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelplan.flow.lock import hold, no_lock

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from labelplan.flow.lock import Lease
    from labelplan.store.interface import Writer


def _say_nothing(_: str) -> None:
    pass


@dataclass(frozen=True)
class Locking:
    """*timeout*: seconds to wait for somebody else; *waiting* then hears once who it is. *disabled*: take no lock."""

    timeout: float = 0
    disabled: bool = False
    waiting: Callable[[str], object] = _say_nothing


def held(
    writer: Writer, locking: Locking, *, command: str, work: str, stop: threading.Event | None
) -> AbstractContextManager[Lease]:
    """Hold the lock for a block, or do without; *stop* ends a wait. Raises `Locked`, and `KeyboardInterrupt`."""
    if locking.disabled:
        return no_lock()
    sleep = time.sleep if stop is None else stop.wait
    return hold(writer, command=command, work=work, timeout=locking.timeout, waiting=locking.waiting, sleep=sleep)
