"""Every error a user can meet, once.

An error's docstring says what happened, `exit_code` is what the process ends with, `hint` is what to do next. They are
raised where they are understood and shown in one place (`cli/main.py`). The table in `docs/exit-codes.md` is generated
from this module. Not for bugs: those are plain Python exceptions and show a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class LabelplanError(Exception):
    """Something went wrong that labelplan understands."""

    exit_code: ClassVar[int] = 1
    hint: ClassVar[str] = ""

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        """Say *what* happened, and where; *hint* replaces the class's own advice on what to do next."""
        super().__init__(what)
        self.what = what
        self.advice = self.hint if hint is None else hint


class Declined(LabelplanError):
    """The question before a change was not answered with yes, or nobody could be asked."""


class MissingExtra(LabelplanError):
    """A part of labelplan is needed that was not installed."""


class RunNotFound(LabelplanError):
    """The bucket holds no such run, or its record cannot be read."""

    hint = "Check the name that apply printed: labelplan undo BUCKET/RUN_ID"


class DetectorFailed(LabelplanError):
    """The detector's answers cannot be used together; no plan was written."""

    hint = "Nothing was changed. Run the same command again later."


class AnswersPending(LabelplanError):
    """The detector was too busy, or failing, to answer for everything; what it answered is kept, no plan written."""

    exit_code = 3
    hint = "Run the same command again later: only what is missing is asked, and paid."


class CacheUnusable(LabelplanError):
    """The file that keeps the detector's answers cannot be used."""

    hint = "LABELPLAN_CACHE names another file to use instead."


# --- usage: what was typed or written -------------------------------------------------------------------------------


class UsageError(LabelplanError):
    """The command or its input cannot be used as given."""

    exit_code = 4


@dataclass(frozen=True)
class Problem:
    """One mistake in a spec. *line* and *column* count from 1; *where* is a path such as `labels.deer.threshold`."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        """Give the line that editors and CI turn into a link."""
        where = f"{self.where}: " if self.where else ""
        return f"{self.file}:{self.line}:{self.column}: {where}{self.message}"


class SpecError(UsageError):
    """The spec has mistakes; all of them are listed."""

    hint = "The spec's reference is docs/spec.md; its JSON Schema: labelplan schema spec"

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Collect *problems* (at least one), in the order of the file."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class SpecMismatch(UsageError):
    """The spec names something that the bucket does not have, or cannot be decided with what the bucket holds."""


# --- signature and trust --------------------------------------------------------------------------------------------


class TrustError(LabelplanError):
    """The plan's signatures do not make it trustworthy here."""

    exit_code = 5


class PlanCorrupt(TrustError):
    """The plan file is not byte for byte what was signed, or not in the format's only layout."""

    hint = "Do not apply it. Take the plan from where it was made, or plan again."


class BadSignature(TrustError):
    """A signature does not match the plan's statement."""

    hint = "Do not apply it. Take the plan from where it was made, or plan again."


class UnknownSigner(TrustError):
    """No signature is by anybody who is trusted here to plan for this bucket, or approvals are missing."""


class UnexpectedPlan(TrustError):
    """The plan is a valid one, but not the one whose digest was expected."""

    hint = "Take the plan that was reviewed; its digest is what labelplan verify prints."


class KeyUnusable(TrustError):
    """The signing key cannot be found, read or unlocked."""

    hint = "Make one with: labelplan key generate"


# --- stale ----------------------------------------------------------------------------------------------------------


class StalePlan(LabelplanError):
    """The plan may no longer be applied."""

    exit_code = 6
    hint = "Plan again; the bucket may have changed since."


class PlanExpired(StalePlan):
    """The plan is past its expiry."""


class AlreadyApplied(StalePlan):
    """The plan was applied before; a plan is applied once."""


class PartialPlan(StalePlan):
    """The plan covers only a part of the spec; it is for looking at and never applies."""

    hint = "Plan the whole spec."


# --- the rest, one group an exit code -------------------------------------------------------------------------------


class GuardTripped(LabelplanError):
    """The plan would delete more than the guards allow."""

    exit_code = 7


class Locked(LabelplanError):
    """Another apply or undo is at work in the bucket, or this one has lost its lock; what is in flight is finished."""

    exit_code = 8


class BudgetExceeded(LabelplanError):
    """The plan needs more paid calls than the budget allows."""

    exit_code = 9


class AwsRefused(LabelplanError):
    """AWS, or the server that stands in for it, refused: credentials, permission, region, or no such bucket."""

    exit_code = 10


class WrongTarget(LabelplanError):
    """This is not the bucket, account, region or endpoint that the plan was made for."""

    exit_code = 11
    hint = "Apply with the AWS configuration that the plan was made with, or plan again for this target."


class NoWayBack(LabelplanError):
    """What apply would delete could not be brought back; nothing was deleted."""

    exit_code = 12


DONE = 0
CHANGES = 2
DONE_IN_PART = 3
INTERRUPTED = 130
