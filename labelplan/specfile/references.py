"""The references of a spec that are files on this machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from labelplan.errors import SpecError
from labelplan.model.objects import LocalImage
from labelplan.model.spec import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelplan.specfile.load import Loaded
    from labelplan.specfile.text import Where

MAX_BYTES = 5 * 1024 * 1024
"""What DetectLabels takes as bytes (docs.aws.amazon.com/rekognition/latest/dg/limits.html)."""


def read_local_references(loaded: Loaded) -> dict[str, LocalImage]:
    """Read every local reference, by its name in the spec; paths are relative to the spec's folder.

    Raises `SpecError` with all files that are missing, unreadable, empty or over 5 MiB, each at its line.
    """
    images: dict[str, LocalImage] = {}
    problems = []
    for where, name in _local(loaded):
        content = _content(loaded.path.parent / name)
        if isinstance(content, bytes):
            images[name] = LocalImage(name, content, hashlib.sha256(content).hexdigest())
        else:
            problems.append(loaded.problem(where, f"{name}: {content}"))
    if problems:
        raise SpecError(problems)
    return images


def _local(loaded: Loaded) -> Iterator[tuple[Where, str]]:
    for rule in loaded.spec.rules:
        for index, name in enumerate(rule.references):
            if is_file(name):
                yield ("labels", rule.name, "references", index), name


def _content(path: Path) -> bytes | str:
    """Return a file's bytes, or what is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return _missing(path)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if not content:
        return "is empty"
    return (
        content if len(content) <= MAX_BYTES else f"is larger than the {MAX_BYTES // 1024**2} MB of a local reference"
    )


def _missing(path: Path) -> str:
    return f"there is no such file ({path}); a key of the bucket is written without './' or '/' at its beginning"
