"""What the service sees in a content: invented, looked up, or found by the small model of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import msgspec

from labelplan.model.objects import LocalImage
from labelplan.model.response import Answered, Unreadable
from labelplan.model.spec import DetectorSettings
from tests.simulators.rekognition.errors import invalid_image, invalid_parameters
from tests.simulators.rekognition.generator import generate, number


class Answers(Protocol):
    """Where whole answers come from; called from several threads."""

    def answer(self, content: bytes, sha256: str, model_version: str) -> dict[str, Any] | bytes:
        """Return the whole answer for *content*, or bytes to send as they are; raises `Refusal`."""


class Generated:
    """The generator's."""

    def answer(self, content: bytes, sha256: str, model_version: str) -> dict[str, Any]:
        del content
        return generate(sha256, model_version)


class Table:
    """Answers by the content's sha256, from a JSON object or a folder of `SHA256.json`; the generator's for the rest.

    They keep their own LabelModelVersion. *verbatim*: each is sent byte for byte, whatever was asked for.
    """

    def __init__(self, path: Path, *, verbatim: bool) -> None:
        self._verbatim = verbatim
        if path.is_dir():
            self._entries = {file.stem: file.read_bytes() for file in path.glob("*.json")}
        else:
            entries = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
            self._entries = {sha256: bytes(raw) for sha256, raw in entries.items()}

    def answer(self, content: bytes, sha256: str, model_version: str) -> dict[str, Any] | bytes:
        del content
        entry = self._entries.get(sha256)
        if entry is None:
            return generate(sha256, model_version)
        return entry if self._verbatim else msgspec.json.decode(entry, type=dict[str, Any])


class Local:
    """The local model's, in the service's spelling. Its confidences are low, so most fall to the default of 55."""

    def __init__(self) -> None:
        from labelplan.detect.local import LocalDetector  # noqa: PLC0415 - loads the networks

        self._detector = LocalDetector(DetectorSettings("local", 1000, 0.0), lambda _image, _limit: None)

    def answer(self, content: bytes, sha256: str, model_version: str) -> dict[str, Any]:
        found = self._detector.detect(LocalImage(sha256, content, sha256))
        if isinstance(found, Unreadable):
            raise invalid_image() if found.code == "invalid-image" else invalid_parameters()
        assert isinstance(found, Answered)
        answer: dict[str, Any] = msgspec.json.decode(found.raw)
        for label in answer["Labels"]:
            label["Confidence"] = number(label["Confidence"])
            label["Parents"].sort(key=lambda parent: parent["Name"])
            for instance in label["Instances"]:
                instance["Confidence"] = number(instance["Confidence"])
        return answer | {"LabelModelVersion": model_version}


def open_answers(source: str, *, verbatim: bool = False) -> Answers:
    """Return the answers of *source*: `generated`, `local`, or the path of a table."""
    if source == "generated":
        return Generated()
    return Local() if source == "local" else Table(Path(source), verbatim=verbatim)
