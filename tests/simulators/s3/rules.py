"""What is to go wrong with the next requests (`POST /_sim/rules`).

A rule waits for the requests of one operation (`DeleteObjects`; `*` for all; `DeleteObjects/Key` for single keys within
one) whose key begins with *prefix*, lets the first *skip* pass and disturbs *count* of them. Status 200 with a code is
S3's error inside of a 200.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tests.simulators.s3.errors import Refusal, disturbance


class Rule(Struct, kw_only=True, forbid_unknown_fields=True):
    """*after*: the server acts, and then answers with the error all the same; *seconds*: how much later it answers.

    Without a *code* a request is only slower.
    """

    operation: str = "*"
    prefix: str = ""
    skip: Annotated[int, Meta(ge=0)] = 0
    count: Annotated[int, Meta(ge=0)] = 1
    status: Annotated[int, Meta(ge=200, le=599)] = 503
    code: str = "SlowDown"
    message: str = ""
    after: bool = False
    seconds: Annotated[float, Meta(ge=0)] = 0

    def refusal(self) -> Refusal | None:
        return disturbance(self.status, self.code, self.message) if self.code else None


class Rules:
    """The rules that still wait for something."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, given: bytes) -> None:
        """Add one rule or a list of them; raises `msgspec.ValidationError`."""
        self._rules += msgspec.json.decode(given if given.lstrip()[:1] == b"[" else b"[%b]" % given, type=list[Rule])

    def clear(self) -> None:
        self._rules.clear()

    def left(self) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(rule) for rule in self._rules]

    def meet(self, operation: str, key: str) -> Rule | None:
        """Return the rule that disturbs this request, if one does, and count it."""
        for rule in self._rules:
            if rule.operation not in {"*", operation} or not key.startswith(rule.prefix):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            rule.count -= 1
            if rule.count <= 0:
                self._rules.remove(rule)
            return rule
        return None
