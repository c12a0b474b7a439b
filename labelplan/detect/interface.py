"""What a detector is: it answers for one image in DetectLabels' own shape, or says why it cannot.

Called from several threads at once. An image that cannot be read is a value (`Unreadable`); a failure that says nothing
about the image is an exception: `DetectorFailed` (no answer, trying again did not help), `AwsRefused` (credentials,
permission, region), `BudgetExceeded`, `MissingExtra`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from labelplan.model.objects import Image
    from labelplan.model.response import Answer


class Detector(Protocol):
    """A service that answers DetectLabels."""

    concurrency: int
    """How many images it is worth asking at once."""

    paid: bool
    """Whether each answer costs money."""

    def detect(self, image: Image) -> Answer:
        """Label one image."""

    def close(self) -> None:
        """Let go of threads, connections and models."""
