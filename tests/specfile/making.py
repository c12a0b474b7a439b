"""A good spec to break, and what the loader says to text; the spec reader's tests speak through them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labelplan.errors import SpecError
from labelplan.specfile.load import load_bytes

if TYPE_CHECKING:
    from labelplan.model.spec import LabelRule
    from labelplan.specfile.load import Loaded

GOOD = """\
version: 1
bucket: wildlife
labels:
  deer:
    prefix: images/deer/
    references: [images/deer/1.jpg, images/deer/2.jpg, images/deer/3.jpg]
"""
"""Six lines; what is appended stands on line 7, inside the label rule if it is indented by four."""


def load(text: str) -> Loaded:
    return load_bytes(text.encode(), Path("spec.yaml"))


def complaints(text: str | bytes) -> list[str]:
    """Return the problems of a text, as `LINE:COLUMN: …`; a good text has none."""
    try:
        load_bytes(text if isinstance(text, bytes) else text.encode(), Path("spec.yaml"))
    except SpecError as error:
        return [str(problem).removeprefix("spec.yaml:") for problem in error.problems]
    return []


def complaint(text: str | bytes) -> str:
    """Return the only problem of a text."""
    (only,) = complaints(text)
    return only


def rule(text: str) -> LabelRule:
    """Return the first label rule of a good text."""
    return load(text).spec.rules[0]
