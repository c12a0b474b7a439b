"""Spec file -> spec: the one way in for everything that has a file.

Reads, checks and builds, and keeps the places of all values for later complaints. It opens no connection and looks at
no image; local reference files are read by `references.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from labelplan.errors import SpecError, UsageError
from labelplan.specfile.build import build_spec
from labelplan.specfile.check import semantic_problems
from labelplan.specfile.encoding import MAX_BYTES, decode
from labelplan.specfile.schema import schema_problems
from labelplan.specfile.text import parse, sorted_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelplan.errors import Problem
    from labelplan.model.spec import Spec
    from labelplan.specfile.text import Document, Where


@dataclass(frozen=True)
class Loaded:
    """A spec that passed every check, and the file it came from.

    *data* are the file's values as JSON has them, without defaults; `build_spec(data) == spec`. *sha256* is that of the
    file's bytes (hex). *path* is as it was given.
    """

    spec: Spec
    data: Mapping[str, Any]
    sha256: str
    path: Path
    document: Document

    def problem(self, where: Where, message: str) -> Problem:
        """Make a problem of the value at *where*, for what only the bucket or the disk could show."""
        return self.document.problem(where, message)


def load_spec(path: str | Path) -> Loaded:
    """Read a spec.

    Raises `SpecError` with all its mistakes, in the order of the file, or `UsageError` if there is no readable file.
    """
    return load_bytes(_read(Path(path)), Path(path))


def load_bytes(content: bytes, path: Path) -> Loaded:
    """Do as `load_spec` does, with content that was read already; *path* is for messages and local files."""
    document = parse(decode(content, str(path)), str(path))
    problems = [*document.problems, *schema_problems(document), *semantic_problems(document)]
    if problems:
        raise SpecError(sorted_problems(problems))
    data = cast("dict[str, Any]", document.data)  # the schema says so
    return Loaded(build_spec(data), data, hashlib.sha256(content).hexdigest(), path, document)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        msg = f"{path}: there is no such file"
        raise UsageError(
            msg, hint="docs/tutorial.md begins with one; labelplan schema spec prints what a spec may hold."
        ) from None
    except IsADirectoryError:
        msg = f"{path}: is a folder, not a spec"
        raise UsageError(msg, hint="Name the YAML file in it.") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        msg = f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(msg) from None
