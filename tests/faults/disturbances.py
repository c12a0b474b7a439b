"""What can happen to a request: each a pair of whether the server acts, and what the client then gets to see."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Acts = Literal["never", "first", "late"]
"""Whether the server gets the request: not at all, before the client sees anything, or when the client is long gone."""

Then = Literal["kill", "drop", "cut", "reset", "hang", "stop", "error", "inner", "visit"]
"""What the client sees: SIGKILL; the connection closed; half of the answer; a reset; nothing at all until it gives up;
SIGSTOP, and the answer when it is continued; an error; a 200 with an error inside; nothing odd, but somebody else was
at the bucket just before."""


class Kind(Struct, frozen=True):
    """One way to disturb. *status*, *code*: of the error."""

    acts: Acts
    then: Then
    status: int = 0
    code: str = ""


KINDS = {
    "kill-before": Kind("never", "kill"),
    "kill-after": Kind("first", "kill"),
    "kill-late": Kind("late", "kill"),
    "lost": Kind("first", "drop"),
    "late": Kind("late", "drop"),
    "cut": Kind("first", "cut"),
    "reset": Kind("never", "reset"),
    "hang": Kind("never", "hang"),
    "hang-after": Kind("first", "hang"),
    "500": Kind("never", "error", 500, "InternalError"),
    "500-after": Kind("first", "error", 500, "InternalError"),
    "503": Kind("never", "error", 503, "SlowDown"),
    "503-after": Kind("first", "error", 503, "SlowDown"),
    "409": Kind("never", "error", 409, "ConditionalRequestConflict"),
    "403": Kind("never", "error", 403, "AccessDenied"),
    "expired": Kind("never", "error", 400, "ExpiredToken"),
    "inner": Kind("never", "inner", 200, "InternalError"),
    "inner-after": Kind("first", "inner", 200, "InternalError"),
    "stop": Kind("first", "stop"),
    "stop-before": Kind("late", "stop"),
    "visit": Kind("first", "visit"),
}
"""By name. `…-before` and plain errors: the server never gets the request; `…-after`: it acted; `late`: it acts when
whatever comes next has begun, or is over."""


class Disturbance(Struct, frozen=True):
    """A *kind* that meets the call of this *number*, from 1, among those of *operation*: `*` is all, `changes` those
    that change something.

    *times*: so many calls from there on; 0: all. *amid*: what acts late acts in the middle of the next command, not
    when it is over. *visit*: what somebody else does then.
    """

    kind: str
    number: int
    times: int = 1
    operation: str = "*"
    amid: bool = False
    visit: str = ""

    def fits(self, operation: str, *, changes: bool) -> bool:
        """Whether a call is one of those that are counted."""
        return self.operation in {"*", operation} or (self.operation == "changes" and changes)


NEVER = Disturbance("lost", 10**9)
"""Meets no call."""

_ANY = ("kill-before", "lost", "cut", "reset", "hang", "500", "503", "403", "expired")
_CHANGES = ("kill-after", "kill-late", "late", "hang-after", "500-after", "503-after", "409")
_INSIDE = ("DeleteObjects", "CopyObject")
"""Operations to which S3 answers 200 before it knows."""

FAULTS: dict[str, Disturbance] = {
    **{name: Disturbance(name, 0) for name in _ANY},
    **{name: Disturbance(name, 0, operation="changes") for name in _CHANGES},
    "late, amid": Disturbance("late", 0, operation="changes", amid=True),
    "kill-late, amid": Disturbance("kill-late", 0, operation="changes", amid=True),
    **{f"{how} {name}": Disturbance(how, 0, operation=name) for how in ("inner", "inner-after") for name in _INSIDE},
    "503 five times": Disturbance("503", 0, 5),
    "expired from there on": Disturbance("expired", 0, 0),
    "403 from there on": Disturbance("403", 0, 0),
}
"""How every call is disturbed in turn, by name; the number is to be set. Whether the server acted matters only where a
call changes something: a read that is killed is the same before and after."""

RACES = {name: FAULTS[name] for name in ("kill-before", "kill-after", "lost", "503-after", "kill-late, amid")}
"""Those that are worth while where several calls are under way at once."""

STOPS: dict[str, Disturbance] = {name: Disturbance(name, 0) for name in ("stop", "stop-before")}
"""How a client is made to sleep while others go on."""

VISITS: dict[str, Disturbance] = {
    what: Disturbance("visit", 0, visit=what) for what in ("replace", "rewrite", "delete", "recreate", "add")
}
"""What somebody else does: stores another object under every second planned key, or the same bytes; deletes it; deletes
it and stores another one; stores new keys."""
