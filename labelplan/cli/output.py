"""Where commands write: the result on stdout, talk on stderr, colour only where a person sees it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY_FILE",
        help="The signing key, or its .pub with an agent; default: LABELPLAN_KEY, own key.",
    ),
]
SignersOption = Annotated[
    Path | None, typer.Option("--signers", help="Whom to trust; default: LABELPLAN_SIGNERS, .labelplan/signers.yaml.")
]
TrustOwnKeyOption = Annotated[
    bool, typer.Option("--trust-own-key", help="Trust one's own key off a terminal too, if nobody else is named.")
]


def result(text: str) -> None:
    """Print a part of the command's result."""
    print(text, flush=True)  # noqa: T201 - what a command is for


def talk(text: str) -> None:
    """Say something that is not the result: progress, advice, a warning."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - as above


def colour() -> bool:
    """Tell whether stdout may have colour: `NO_COLOR`, then `FORCE_COLOR`, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout is not None and sys.stdout.isatty()


class _Command(typer.core.TyperCommand):
    """A command whose usage line names its arguments as they are: newer typer puts them into braces."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class _App(typer.Typer):
    """Typer's own, with `_Command` for every command."""

    def command(self, *arguments: Any, **options: Any) -> Any:
        """Return the decorator that makes a function a command."""
        return super().command(*arguments, **{"cls": _Command, **options})


def make_app(summary: str, example: str | None = None) -> typer.Typer:
    """Make a command's Typer object, the same way for all: plain help, no completion, errors shown by `main`."""
    return _App(
        help=summary, epilog=example, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
