"""A detector's answer in the shape of Rekognition's DetectLabels, and the image that has none: unreadable.

Field names are Rekognition's own (botocore's service model, DetectLabelsResponse). Only what the rules need is typed;
the answer itself is kept as the bytes that came.
"""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

if TYPE_CHECKING:
    from collections.abc import Iterable


class Named(Struct, frozen=True, gc=False):
    """A name in `Parents`, `Aliases` or `Categories`."""

    Name: str


class Label(Struct, frozen=True, gc=False):
    """One label of an answer; *Confidence* in percent. *Parents* are all its ancestors, not only the next."""

    Name: str
    Confidence: Annotated[float, Meta(ge=0, le=100)]
    Parents: tuple[Named, ...] = ()
    Aliases: tuple[Named, ...] = ()


class Response(Struct, frozen=True, gc=False):
    """The part of DetectLabels' answer that decides."""

    Labels: tuple[Label, ...]
    LabelModelVersion: str = ""


class Unreadable(Struct, frozen=True):
    """Why an image has no answer. It is a value, not an exception: the object is kept, and counted.

    *code* is one of labelplan's own reasons (`OF_CONTENT`, `NO_ACCESS`, `TOO_LARGE_TO_SEND`, `changed`, `empty`,
    `malformed-answer`, `other-model`); *message* holds the service's words, if it was the service that refused, and
    what explains them.
    """

    code: str
    message: str


class Answered(Struct, frozen=True, dict=True):
    """An answer: *raw* is the JSON as it came (one line, UTF-8), *response* its decoded part."""

    raw: bytes
    response: Response

    @property
    def names(self) -> dict[str, Label]:
        """The answer's labels by every name it knows (`by_name`), looked up once."""
        names: dict[str, Label] | None = self.__dict__.get("names")  # cached_property takes a lock before Python 3.12
        if names is None:
            names = self.__dict__["names"] = by_name(self.response.Labels)
        return names


Answer = Answered | Unreadable

OF_CONTENT = frozenset({"image-too-large", "image-too-small", "invalid-image", "invalid-parameter"})
"""Refusals of the content itself: the same content is refused again, so they are kept like answers."""

MALFORMED = "malformed-answer"
"""The service answered, and its answer cannot be used: it breaks the contract, or two parsers could read it as two."""

TOO_LARGE_TO_SEND = "too-large-to-send"
"""The image has to be sent with the request and is too large for that; in S3 the service might read it."""

CONVERTIBLE = frozenset({"image-too-large", "invalid-image", TOO_LARGE_TO_SEND})
"""Refusals that `detector.convert` may get around; a picture that is too small would only be guessed at."""

NO_ACCESS = "no-access"
"""The service could not read the object: missing, another region, no permission on it or on its KMS key."""

_confidence = attrgetter("Confidence")
_decoder = msgspec.json.Decoder(Response)


def by_name(labels: Iterable[Label]) -> dict[str, Label]:
    """Map every name that an answer knows to its label, the surest one; an alias counts only where no label has it.

    Aliases are resolved within one answer only; what another answer calls a label proves nothing about this one.
    """
    surest_last = sorted(labels, key=_confidence)
    names = {alias.Name: label for label in surest_last for alias in label.Aliases}
    return names | {label.Name: label for label in surest_last}


def decode_response(raw: bytes) -> Response:
    """Decode an answer's bytes; raises `ValueError` if they are not a DetectLabels answer, or nested too deep."""
    try:
        return _decoder.decode(raw)
    except RecursionError as error:
        raise ValueError(str(error)) from None


def strict_answer(raw: bytes) -> Answered:
    """Decode an answer strictly, and make it one line.

    Raises `ValueError` on what two JSON parsers could read differently: duplicate keys, NaN, wrong types, bad UTF-8.
    """
    response = decode_response(raw)
    try:
        json.loads(raw, object_pairs_hook=_no_duplicates)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    line = msgspec.json.format(raw, indent=-1) if b"\n" in raw or b"\r" in raw else raw.strip()
    return Answered(line, response)


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is given twice")
    return made
