"""The detector that runs on this machine: two small networks and a label tree, answering in DetectLabels' shape.

For trying labelplan out, and for folders where it is good enough: it costs nothing and sends nothing anywhere. Its
confidences are not Rekognition's (docs/local-detector.md). It needs the extra `labelplan[local]`.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from labelplan.detect.image_file import UnreadableImageError
from labelplan.detect.interface import Traffic
from labelplan.detect.limits import OBJECT_LIMIT, refuse_size
from labelplan.errors import MissingExtra
from labelplan.model.objects import LocalImage
from labelplan.model.response import Unreadable, strict_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from labelplan.detect.networks import Found
    from labelplan.model.objects import Image, S3Object
    from labelplan.model.response import Answer
    from labelplan.model.spec import DetectorSettings

MODEL_VERSION = "local-effnet-lite0+nanodet-g/1"
"""The answers' `LabelModelVersion`; changes with anything that changes an answer."""

LEAST_PERSON = 0.5
"""The person finder's word counts from this confidence on: on photographs without people it often says up to 0.45."""


def available_cores() -> int:
    """Count the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalDetector:
    """A detector without a service. *concurrency* is twice the workers: while some compute, others fetch."""

    identity = f"local {MODEL_VERSION}"
    paid = False
    tps: float | None = None
    tps_from = ""

    def __init__(
        self,
        settings: DetectorSettings,
        fetch: Callable[[S3Object, int], bytes | None],
        workers: int | None = None,
    ) -> None:
        """Load the networks; raises `MissingExtra`.

        *fetch* returns an object's bytes, at most as many as its second argument says, or None if it changed or
        vanished. *workers*: pictures looked at at once, each on one core; as many as there are cores unless given.
        """
        try:
            from labelplan.detect import networks, picture, taxonomy  # noqa: PLC0415 - they need the extra
        except ImportError as error:
            msg = f"The local detector needs Python packages that are not all there: {error}"
            raise MissingExtra(msg, hint='pip install "labelplan[local]"') from None
        workers = workers or available_cores()
        self.concurrency = 2 * workers
        self._settings = settings
        self._fetch = fetch
        self._decode = picture.decode
        self._networks = networks.Networks()
        self._taxonomy = taxonomy.load_taxonomy()
        self._core = threading.BoundedSemaphore(workers)

    def detect(self, image: Image) -> Answer:
        """Label one image; the same bytes for the same content."""
        content = self._content(image)
        if isinstance(content, Unreadable):
            return content
        with self._core:
            try:
                picture = self._decode(content)
            except UnreadableImageError as error:
                return error.reason
            people = self._networks.people(picture, LEAST_PERSON)
            labels = self._labels(self._networks.probabilities(picture), people)
        return strict_answer(msgspec.json.encode({"Labels": labels, "LabelModelVersion": MODEL_VERSION}))

    def check(self) -> None:
        """Do nothing: there is nobody who could refuse."""

    def traffic(self) -> Traffic:
        """Tell that nothing goes over a wire."""
        return Traffic()

    def stop(self) -> None:
        """Do nothing: nobody waits for long."""

    def close(self) -> None:
        """Let go of the networks."""
        del self._networks

    def _content(self, image: Image) -> bytes | Unreadable:
        size = len(image.content) if isinstance(image, LocalImage) else image.size
        if refused := refuse_size(size, OBJECT_LIMIT):
            return refused
        if isinstance(image, LocalImage):
            return image.content
        return self._fetch(image, OBJECT_LIMIT) or Unreadable("changed", "it changed or vanished after it was listed")

    def _labels(self, probabilities: NDArray[np.float32], people: Sequence[Found]) -> list[dict[str, Any]]:
        tree = self._taxonomy
        percents = tree.percents(probabilities)
        instances = {tree.person: [_instance(person) for person in people]}
        if people:
            percents[tree.person] = max(percents[tree.person], instances[tree.person][0]["Confidence"])
        enough = (percents >= self._settings.min_confidence).nonzero()[0].tolist()
        found = [(-percents[index].item(), tree.labels[index].name, index) for index in enough]
        return [
            {"Name": name, "Confidence": -percent, "Instances": instances.get(index, []), **tree.described(index)}
            for percent, name, index in sorted(found)[: self._settings.max_labels]
        ]


def _instance(person: Found) -> dict[str, Any]:
    sides = {"Width": person.width, "Height": person.height, "Left": person.left, "Top": person.top}
    box = {side: round(share, 4) for side, share in sides.items()}
    return {"BoundingBox": box, "Confidence": round(person.confidence * 100, 3)}
