"""What a plan tells about itself while it is made. Library users may pass an observer of their own, or `Silent`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from labelplan.detect.interface import Traffic


@dataclass(frozen=True)
class Estimate:
    """What a plan will take. *calls*: DetectLabels calls still to be made, the references' among them.

    *objects*: how many were listed; *cached*: how many images have their answer already. *tps*: the quota, in calls a
    second, None without one; *tps_from* says who knows it; *seconds*: how long the calls take at it. *paid*: whether a
    call costs money. *converts*: whether an image that has to be converted takes a second call,
    which is not in *calls*.
    """

    objects: int
    calls: int
    cached: int
    paid: bool
    tps: float | None
    tps_from: str
    seconds: float | None = None
    converts: bool = False


@dataclass(frozen=True)
class Labelling:
    """How the calls get on: *done* of *total* images have an answer, *pending* have none for now.

    *elsewhere*: how many of the others were last seen being asked about by another process.
    """

    done: int
    total: int
    pending: int
    traffic: Traffic
    elsewhere: int = 0


class Observer(Protocol):
    """Who wants to know how a plan gets on; called from the thread that makes the plan."""

    def listed(self, objects: int) -> None:
        """Hear how many objects have been listed so far."""

    def estimated(self, estimate: Estimate) -> None:
        """Hear, before the first call, what the plan will take; once more if the service has a new model."""

    def labelling(self, state: Labelling) -> None:
        """Hear how the calls get on, several times a second."""

    def writing(self, done: int, total: int) -> None:
        """Hear that *done* of *total* objects have been decided and written."""


class Silent:
    """An observer that does not care."""

    def listed(self, objects: int) -> None:
        """Do nothing."""

    def estimated(self, estimate: Estimate) -> None:
        """Do nothing."""

    def labelling(self, state: Labelling) -> None:
        """Do nothing."""

    def writing(self, done: int, total: int) -> None:
        """Do nothing."""
