"""The first and the last line of `plan --json`: which version talks, and, if there is no plan, why. Whatever happens.

What comes between is in `events.py`. Loads nothing, as `main` is to start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan import __version__
from labelplan.errors import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.errors import LabelplanError

EVENTS = 1
"""The version of the events: another one when an event's field changes its meaning or goes."""


def is_stream(args: Sequence[str]) -> bool:
    """Tell whether a command line prints events, one a line, and not one result."""
    return args[:1] == ["plan"] and "--json" in args and "--help" not in args


def version_event() -> dict[str, Any]:
    """Say which version talks."""
    return {"type": "version", "events": EVENTS, "labelplan": __version__}


def error_object(error: LabelplanError) -> dict[str, Any]:
    """Describe an error, as the whole result of a command."""
    told = {"kind": type(error).__name__, "exit_code": error.exit_code, "message": error.what, "hint": error.advice}
    return {"error": told}


def error_event(error: LabelplanError) -> dict[str, Any]:
    """Describe the error that ends a stream."""
    return {"type": "error", **error_object(error)}


def interrupted_event(message: str) -> dict[str, Any]:
    """Say that Ctrl-C ended the stream."""
    return {"type": "interrupted", "exit_code": INTERRUPTED, "message": message}
