"""A run: one apply of one plan, and what undo made of it: the JSON objects of the run record in the bucket."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from labelplan.model.objects import Target

RUN_PREFIX = ".labelplan/"
"""Where run records live in the bucket; never planned, never deleted by a plan."""

ApplyOutcome = Literal["deleted", "gone", "changed", "failed"]
UndoOutcome = Literal["restored", "present", "left", "failed"]


class PlanClaim(Struct, frozen=True):
    """`plans/<statement-sha256>`: the one run that may apply this plan."""

    run: str


class RunStart(Struct, frozen=True):
    """`runs/<run>/run.json`, written before the first delete. *plan_sha256*: that of the plan file's bytes."""

    format: Literal["labelplan/run/1"]
    run: str
    statement_sha256: str
    plan_sha256: str
    target: Target
    started: dt.datetime
    signer: str


class ApplyResult(Struct, frozen=True):
    """What became of one delete. *marker*: the delete marker's version id, where it was seen.

    `deleted`: by this run. `gone`: somebody else had deleted it already. `changed`: not the object that was labelled
    any more, kept. `failed`: the store refused or did not answer, kept or unknown; *message* says why.
    """

    key: str
    version_id: str
    outcome: ApplyOutcome
    marker: str = ""
    message: str = ""


class UndoResult(Struct, frozen=True):
    """What undo did for one key: `restored`, `present` (it was there), `left` (newer, or not ours), `failed`."""

    key: str
    version_id: str
    outcome: UndoOutcome
    message: str = ""


class RunEnd(Struct, frozen=True):
    """`runs/<run>/done.json` (or `undone.json`): the run is over; *counts* by outcome."""

    run: str
    finished: dt.datetime
    counts: dict[str, int]
