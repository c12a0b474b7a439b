"""Where the stories happen: a server, the proxy in front of it, and clients that speak to the proxy."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from labelplan.planfile.keys import generate_key
from tests.faults.clients import ONE, warm
from tests.faults.guard import Scope
from tests.faults.pictures import make
from tests.faults.proxy import in_front_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.clients import Client, Clients, Ended, Manner
    from tests.faults.disturbances import Disturbance
    from tests.faults.pictures import Bucket
    from tests.faults.proxy import Proxy
    from tests.faults.targets import Target

LEASE = 130
"""Seconds after which every lock has run out."""


class Stage:
    """Any number of stories, one after the other. *manner*: how clients work, unless a story says otherwise."""

    def __init__(self, target: Target, proxy: Proxy, clients: Clients, key: Path) -> None:
        self.target, self.proxy, self.clients, self.key = target, proxy, clients, key
        self.s3 = target.s3
        self.manner: Manner = ONE
        self._ahead = 0

    def bucket(self, mode: str) -> Bucket:
        """Make a bucket, and a plan for it."""
        return make(self.target, mode, self.proxy.url, self.clients.folder, self.key)

    def begin(self, bucket: Bucket, phase: str, disturbance: Disturbance | None = None) -> None:
        """Begin to count and disturb what clients send."""
        scope = Scope(bucket.name, frozenset(bucket.delete), bucket.copies, must_say_owner=True)
        self.proxy.begin(phase, disturbance, scope)

    def start(self, *words: str) -> Client:
        """Start the client that the disturbance is for."""
        client = self.clients.start(*words, manner=self.manner)
        self.proxy.victim(client.pid)
        return client

    def run(self, bucket: Bucket, phase: str, words: list[str], disturbance: Disturbance | None = None) -> Ended:
        """Run one command to its end."""
        self.begin(bucket, phase, disturbance)
        ended = self.start(*words).wait()
        self.proxy.end()
        return ended

    def let_leases_run_out(self) -> None:
        """Set the server's clock forward; the clients' stay."""
        self._ahead += LEASE
        self.target.shift_clock(self._ahead)


def applying(bucket: Bucket) -> list[str]:
    """The words of an apply."""
    return ["apply", str(bucket.plan), "--auto-approve"]


def undoing(bucket: Bucket, run: str) -> list[str]:
    """The words of an undo."""
    return ["undo", f"{bucket.name}/{run}", "--auto-approve"]


@contextmanager
def staged(target: Target) -> Iterator[Stage]:
    """Set the stage."""
    with ExitStack() as at_the_end:
        proxy = at_the_end.enter_context(in_front_of(target.url))
        clients = at_the_end.enter_context(warm(proxy.url))
        key = clients.folder / "key"
        generate_key(key)
        yield Stage(target, proxy, clients, key)
