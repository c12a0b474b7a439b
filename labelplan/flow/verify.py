"""`verify`: is this plan what trusted people signed, and is it still good? Also what stands before every apply.

What comes out is the open file that was checked, not its name: whoever goes on with it reads the same bytes.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import UNSET

from labelplan.errors import PlanCorrupt, PlanExpired, UnexpectedPlan, UsageError
from labelplan.model.response import strict_answer
from labelplan.planfile.reader import open_plan
from labelplan.planfile.signatures import valid_signers
from labelplan.planfile.trust import authorize

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from os import PathLike

    from labelplan.model.plan import Statement
    from labelplan.planfile.reader import PlanFile
    from labelplan.planfile.trust import Endorsement, Trust


@dataclass(frozen=True)
class VerifiedPlan:
    """A plan that may be believed, open. *signers*: key ids of all valid signatures, the author's first."""

    plan: PlanFile
    signers: tuple[str, ...]
    endorsement: Endorsement


@contextmanager
def verify_plan(
    path: str | PathLike[str],
    trust: Trust,
    now: dt.datetime,
    expect_digest: str | None = None,
    *,
    allow_expired: bool = False,
) -> Iterator[VerifiedPlan]:
    """Open a plan and check its bytes, signatures, signers and expiry; *expect_digest*: of the statement, hex.

    *allow_expired* is for apply, which may go on with a run that began in time, and looks at the expiry itself.
    Raises `UsageError` (no such file), `PlanCorrupt`, `BadSignature`, `UnknownSigner`, `UnexpectedPlan`, `PlanExpired`.
    """
    expected = None if expect_digest is None else _parse_digest(expect_digest)
    with open_plan(path) as plan:
        signers = valid_signers(plan)
        endorsement = authorize(trust, plan.statement.predicate, signers, now)
        if expected is not None and expected != plan.statement_sha256:
            raise UnexpectedPlan(f"{path} is the plan sha256:{plan.statement_sha256}, not the expected one.")
        if not allow_expired:
            require_unexpired(plan.statement, now)
        yield VerifiedPlan(plan, signers, endorsement)


def require_unexpired(statement: Statement, now: dt.datetime) -> None:
    """Raise `PlanExpired` from the instant on that the plan names."""
    expires = statement.predicate.expires
    if expires <= now:
        raise PlanExpired(f"The plan expired at {expires.isoformat()}.")


def check_answers(plan: PlanFile) -> None:
    """Decode every answer in the plan strictly; raises `PlanCorrupt` at one that two parsers could read differently.

    Every other byte is checked whenever a plan is opened; this costs about five times as much.
    """
    for rule in plan.header.rules:
        for reference in rule.references:
            _strict(bytes(reference.response), f"{plan.path}, a reference of the label rule {rule.name!r}")
    for decision in plan.decisions():
        if decision.response is not UNSET:
            _strict(bytes(decision.response), f"{plan.path}, the answer for {decision.key!r}")


def _strict(answer: bytes, where: str) -> None:
    try:
        strict_answer(answer)
    except ValueError as error:
        raise PlanCorrupt(f"{where}: {error}.") from None


def _parse_digest(text: str) -> str:
    digest = text.lower().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise UsageError(f"{text!r} is not the SHA-256 of a statement.", hint="labelplan verify PLAN prints it.")
    return digest
