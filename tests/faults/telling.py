"""What every story is told with: a bucket, commands until they say that it is done, and a judge."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.disturbances import KINDS
from tests.faults.judging import Fault, after_any, after_apply, after_undo, of_clients
from tests.faults.look import runs
from tests.faults.stage import applying, undoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.calls import Call
    from tests.faults.clients import Client, Ended
    from tests.faults.disturbances import Disturbance
    from tests.faults.stage import Stage

ATTEMPTS = 6
"""So often the same command is given until it has to be done."""

DONE, IN_PART, STALE, LOCKED = 0, 3, 6, 8

_NOTHING_TO_UNDO = ("stopped before it deleted anything", "holds no run")
_UNLOCK = re.compile(r"labelplan (unlock \S+ \S+)")


@dataclass
class Point:
    """One disturbance of one story, and what came of it. *met*: the number of the call, 0 if it was not made."""

    story: str
    mode: str
    disturbance: Disturbance
    met: int = 0
    call: str = ""
    commands: int = 0
    faults: list[Fault] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


class Telling:
    """One story as it goes on."""

    def __init__(self, stage: Stage, name: str, mode: str, disturbance: Disturbance) -> None:
        self.stage, self.disturbance = stage, disturbance
        self.point = Point(name, mode, disturbance)
        self.scene = stage.scene(mode)
        self.bucket, self.before = self.scene.bucket, self.scene.before
        self.calls: list[Call] = []
        """All of the phase that was disturbed."""
        self.part_is_enough = False
        self._broken = len(stage.proxy.guard.broken)

    def apply(self, disturbance: Disturbance | None = None) -> Ended:
        return self.see(self.stage.run(self.bucket, "apply", applying(self.bucket), disturbance))

    def undo(self, run: str, disturbance: Disturbance | None = None) -> Ended:
        return self.see(self.stage.run(self.bucket, "undo", undoing(self.bucket, run), disturbance))

    def stop_one(self, phase: str, words: list[str]) -> Client | None:
        """Start a client that the disturbance stops; None if it came to its end before."""
        self.stage.begin(self.bucket, phase, self.disturbance)
        client = self.stage.start(*words)
        while not self.stage.proxy.stopped.wait(0.02):
            if client.has_ended():
                self.see(client.wait())
                self.note()
                return None
        self.note()
        return client

    def beside(self, words: list[str]) -> Ended:
        """Run a command to its end while another client sleeps."""
        return self.see(self.stage.clients.start(*words).wait())

    def go_on(self, client: Client) -> None:
        """Let a client go on that was stopped, to its end."""
        self.stage.proxy.deliver()
        client.resume()
        self.see(client.wait())
        self.stage.proxy.end()

    def see(self, ended: Ended) -> Ended:
        self.point.commands += 1
        self.point.said.append(ended.words())
        self.judge(of_clients(ended))
        return ended

    def note(self) -> None:
        """Note which call was disturbed, and what could have been."""
        met, self.calls = self.stage.proxy.met, self.stage.proxy.calls
        self.point.met = met[0].number if met else 0
        self.point.call = met[0].words() if met else ""

    def judge(self, faults: list[Fault]) -> None:
        self.point.faults += faults

    def nothing_is_lost(self) -> None:
        self.judge(after_any(self.stage.s3, self.bucket, self.before))

    def finish_apply(self) -> None:
        """Apply until it is done, or had been done already; then exactly the planned is gone."""
        self._until_done(self.apply, lambda one: one.code in {DONE, STALE})
        # a server that compares nothing carries out a delete that comes late; undo removes both markers
        once = self.stage.target.compares or KINDS[self.disturbance.kind].acts != "late"
        self.judge(after_apply(self.stage.s3, self.bucket, self.before, once=once))

    def be_applied(self) -> str:
        """Begin with a bucket to which the plan was applied, undisturbed; return the run."""
        if not self.stage.is_again(self.scene, "applied"):
            self.finish_apply()
            self.stage.has_become(self.scene, "applied")
        (run,) = self.runs()
        return run

    def runs(self) -> list[str]:
        return runs(self.stage.s3, self.bucket.name)

    def finish_undo(self) -> None:
        """Undo every run that has a record, until each is done; then the bucket is as it was."""
        for run in self.runs():
            self._until_done(
                lambda run=run: self.undo(run),  # type: ignore[misc]  # mypy cannot infer a default's type
                lambda one: one.code == DONE or any(words in one.err for words in _NOTHING_TO_UNDO),
            )
        denied = self.disturbance.kind == "403"
        self.judge(after_undo(self.stage.s3, self.bucket, self.before, denied=denied))

    def _until_done(self, attempt: Callable[[], Ended], is_done: Callable[[Ended], bool]) -> None:
        in_part = 0
        for _ in range(ATTEMPTS):
            ended = attempt()
            late = self.stage.proxy.came_late()  # no undo can know of what comes after it has looked: once more
            in_part = in_part + 1 if ended.code == IN_PART else 0
            if not late and (is_done(ended) or (self.part_is_enough and in_part > 1)):
                return
            if ended.code == LOCKED:
                self._unlock(ended)
        self.judge([Fault("wrong", f"not done after {ATTEMPTS} attempts: {ended.words()}")])

    def _unlock(self, locked: Ended) -> None:
        """Do what the error says."""
        found = _UNLOCK.search(locked.err)
        if found:
            self.see(self.stage.run(self.bucket, "unlock", [*found[1].split(), "--auto-approve"]))

    def leave(self) -> None:
        """Leave nothing behind that could disturb the next story."""
        self.stage.proxy.deliver()
        self.stage.proxy.end()
        self.stage.proxy.visitor = lambda _: None

    def end(self) -> Point:
        broken = self.stage.proxy.guard.broken[self._broken :]
        self.judge([Fault("wrong", one) for one in broken])
        return self.point
