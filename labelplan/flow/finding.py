"""What one check of `doctor` found, and how a check is made into a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from labelplan.errors import DONE, LabelplanError

if TYPE_CHECKING:
    from collections.abc import Callable

State = Literal["ok", "warning", "failed"]

T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """What one check found. *todo*: what to do about it; *exit_code*: of the error that it would be in a plan."""

    check: str
    state: State
    detail: str
    todo: str = ""
    exit_code: int = DONE


def tried(
    check: str, get: Callable[[], T], say: Callable[[T], str], *, otherwise: State = "failed"
) -> tuple[T, Finding] | tuple[None, Finding]:
    """Get something, and say of it that it is fine, or why it could not be got.

    *otherwise*: what it is then; only a failure has an exit code.
    """
    try:
        got = get()
    except LabelplanError as error:
        code = error.exit_code if otherwise == "failed" else DONE
        return None, Finding(check, otherwise, error.what, error.advice, code)
    return got, Finding(check, "ok", say(got))


def warned(check: str, get: Callable[[], T], say: Callable[[T], str]) -> tuple[T, Finding] | tuple[None, Finding]:
    """Do as `tried` does with what stops an apply, and no plan."""
    return tried(check, get, say, otherwise="warning")
