"""Where the stories happen: a server, the proxy in front of it, and clients that speak to the proxy."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from labelplan.planfile.keys import generate_key
from tests.faults.clients import HASTY, ONE, warm
from tests.faults.disturbances import KINDS
from tests.faults.guard import Scope
from tests.faults.judging import photograph
from tests.faults.look import RECORDS
from tests.faults.pictures import Others, empty, make
from tests.faults.proxy import in_front_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.clients import Client, Clients, Ended, Manner
    from tests.faults.disturbances import Disturbance
    from tests.faults.judging import Photograph
    from tests.faults.pictures import Bucket
    from tests.faults.proxy import Proxy
    from tests.faults.targets import Target


class Scene(NamedTuple):
    """Where a story begins: a bucket, and how it looked *before*. *done*: what is kept of it besides."""

    bucket: Bucket
    before: Photograph
    done: set[str]

    def moment(self, what: str = "") -> str:
        """Name the moment when *what* had been done."""
        return f"{self.bucket.name} {what}"


LEASE = 130
"""Seconds after which every lock has run out."""


class Stage:
    """Any number of stories, one after the other. *manner*: how clients work, unless a story says otherwise."""

    def __init__(self, target: Target, proxy: Proxy, clients: Clients, key: Path) -> None:
        self.target, self.proxy, self.clients, self.key = target, proxy, clients, key
        self.s3 = target.s3
        self.manner: Manner = ONE
        self.again: dict[str, Scene] | None = None
        """The buckets that were used last, by mode, to be used again; None to make each one anew."""
        self._ahead = 0
        self._hangs = False

    def scene(self, mode: str) -> Scene:
        """Make a bucket and a plan for it; or take one again that is in all as it was."""
        known = self.again.pop(mode, None) if self.again is not None else None
        if known and self._is_as_it_was(known):
            scene = known._replace(bucket=replace(known.bucket, others=Others()))
        else:
            scene = self._make(mode)
        if self.again is not None:
            self.again[mode] = scene
        return scene

    def _make(self, mode: str) -> Scene:
        bucket = make(self.target, mode, self.proxy.url, self.clients.folder, self.key)
        scene = Scene(bucket, photograph(self.s3, bucket.name), set())
        if self.again is not None and self.target.rewinds:
            self.target.keep(scene.moment(), bucket.names)
        return scene

    def _is_as_it_was(self, scene: Scene) -> bool:
        """Put a bucket back to how it was; where that cannot be, look whether it is, and else remove it."""
        if self.target.rewinds:
            self.target.rewind(scene.moment())
            return True
        name, copies = scene.bucket.name, scene.bucket.copies
        empty(self.s3, name, RECORDS)
        if copies:
            empty(self.s3, copies)
        if photograph(self.s3, name) == scene.before:
            return True
        empty(self.s3, name)
        for one in scene.bucket.names:
            self.s3.delete_bucket(Bucket=one)
        return False

    def is_again(self, scene: Scene, what: str) -> bool:
        """Put a bucket to how it was when *what* had been done with it; False if that has to be done."""
        if what not in scene.done:
            return False
        self.target.rewind(scene.moment(what))
        return True

    def has_become(self, scene: Scene, what: str) -> None:
        """Keep how a bucket is when *what* has been done with it."""
        if self.again is not None and self.target.rewinds:
            self.target.keep(scene.moment(what), scene.bucket.names)
            scene.done.add(what)

    def begin(self, bucket: Bucket, phase: str, disturbance: Disturbance | None = None) -> None:
        """Begin to count and disturb what clients send."""
        scope = Scope(bucket.name, frozenset(bucket.delete), bucket.copies, must_say_owner=True)
        self.proxy.begin(phase, disturbance, scope)
        self._hangs = disturbance is not None and KINDS[disturbance.kind].then == "hang"

    def start(self, *words: str) -> Client:
        """Start the client that the disturbance is for."""
        manner = replace(self.manner, read_timeout=HASTY) if self._hangs else self.manner
        client = self.clients.start(*words, manner=manner)
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
