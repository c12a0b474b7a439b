"""What a detector is: it answers for one image in DetectLabels' own shape, or says why it cannot.

Called from several threads at once. An image that cannot be read is a value (`Unreadable`); a failure that says nothing
about the image is an exception: `AnswersPending` (trying again did not help just now), `AwsRefused` (credentials,
permission, region), `BudgetExceeded`, `MissingExtra`. Nothing is remembered here: that is `cache.py`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from labelplan.model.objects import Image
    from labelplan.model.response import Answer


AT_AWS = "rekognition"
"""The identity of AWS's own Rekognition, in all regions."""


class Traffic(Struct, frozen=True):
    """What went over the wire so far. *calls*: attempts sent that count as paid; *throttled*: those told to slow down.

    *rate*: calls a second that are allowed just now; None: no limit.
    """

    calls: int = 0
    throttled: int = 0
    rate: float | None = None


class Detector(Protocol):
    """A service that answers DetectLabels."""

    identity: str
    """What its answers are kept under besides the settings: which service, and where if it is not AWS's own."""

    paid: bool
    """Whether each answer costs money."""

    concurrency: int
    """How many images it is worth asking at once, at most."""

    tps: float | None
    """The quota that it keeps to, in calls a second; None: as fast as it can."""

    tps_from: str
    """Where `tps` comes from, for a person: `--tps`, `the spec`, `Service Quotas`, `no quota known`; empty for None."""

    def detect(self, image: Image) -> Answer:
        """Label one image; blocks until it is this image's turn under the quota."""

    def check(self) -> None:
        """Find out without labelling an image whether it would answer; raises `AwsRefused`."""

    def traffic(self) -> Traffic:
        """Tell what went over the wire so far."""

    def stop(self) -> None:
        """Send nothing more: whoever waits for a turn gets `AnswersPending`; what is under way is finished."""

    def close(self) -> None:
        """Let go of threads, connections and models."""
