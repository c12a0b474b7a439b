"""What apply and undo insist on before they touch anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.errors import NoWayBack, PartialPlan, PlanCorrupt, WrongTarget
from labelplan.model.run import RUN_PREFIX
from labelplan.rules.strategy import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.model.objects import Target, Versioning
    from labelplan.model.plan import Decision, Header
    from labelplan.planfile.reader import PlanFile


def deletes(plan: PlanFile) -> Iterator[Decision]:
    """Stream the plan's deletes; raises `PlanCorrupt` at one that is a run record."""
    for decision in plan.decisions():
        if decision.action == "delete":
            if decision.key.startswith(RUN_PREFIX):
                raise PlanCorrupt(f"The plan would delete {decision.key}, a run record; labelplan never plans that.")
            yield decision


def require_whole(header: Header) -> None:
    """Raise `PartialPlan` for a plan that leaves out a part of its spec."""
    if header.partial:
        raise PartialPlan(f"This plan covers only a part of the spec ({header.partial}); it never applies.")


def require_same_target(planned: Target, actual: Target) -> None:
    """Raise `WrongTarget` unless this is the plan's endpoint, account, region and bucket."""
    different = [
        f"{name} {getattr(planned, name) or 'of AWS'}, and this is {getattr(actual, name) or 'of AWS'}"
        for name in ("bucket", "endpoint", "account", "region")
        if getattr(planned, name) != getattr(actual, name)
    ]
    if different:
        raise WrongTarget(f"The plan was made for the {'; the '.join(different)}.")


def require_versioning(bucket: str, versioning: Versioning, planned: Versioning = "Enabled") -> None:
    """Raise `NoWayBack` unless versioning is as it must be; without it a delete is for good.

    *planned*: what it was when the run began, where the way back is a copy.
    """
    if versioning == planned:
        return
    if planned != "Enabled":
        raise NoWayBack(
            f"Versioning of the bucket {bucket} was switched from {STATES[planned]} to {STATES[versioning]} meanwhile.",
            hint="Nothing was lost. The same command goes on, with the bucket as it is now.",
        )
    raise NoWayBack(
        f"Versioning of the bucket {bucket} is {STATES[versioning]}: what is deleted could not be brought back.",
        hint=f"Turn it on: aws s3api put-bucket-versioning --bucket {bucket} "
        "--versioning-configuration Status=Enabled\n"
        "Then wait 15 minutes, as AWS advises, plan again, and apply. "
        "For a bucket without versioning there is `backup: {mode: copy}`.",
    )
