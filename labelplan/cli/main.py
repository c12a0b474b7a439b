"""The entry point: finds the command, runs it, and is the one place that shows errors and turns them into exit codes.

Commands are loaded only when they run, and `labelplan --help` loads none of them, nor typer.
"""

from __future__ import annotations

import difflib
import gc
import importlib
import io
import json
import os
import sys
from typing import TYPE_CHECKING

from labelplan import __version__
from labelplan.cli.stream import error_event, error_object, interrupted_event, is_stream, version_event
from labelplan.errors import DONE, INTERRUPTED, LabelplanError, SpecError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS: dict[str, str] = {
    "validate": "Check specs without the network",
    "doctor": "Check, before anything is paid, that a plan would work here",
    "plan": "Label every object and write a signed plan of what to keep and delete",
    "show": "Show a plan: what would happen, and why; or a run, and what became of it",
    "verify": "Check a plan's bytes, signatures and expiry",
    "sign": "Add your signature to a plan, as an approval",
    "apply": "Delete exactly what a verified plan says, with a way back",
    "undo": "Bring back what a run deleted",
    "runs": "List a bucket's runs, or end the way back of one",
    "unlock": "Release the lock of an apply or undo that is not at work any more",
    "key": "Make or show the key that signs plans",
    "cache": "Show or prune the answers that are kept",
    "schema": "Print the JSON Schema of a format",
    "demo": "Walk through the main job on real photographs, on this machine only",
}
"""Name and summary of every command; each lives in the module `labelplan.cli.<name>` as the Typer object `app`."""

EXAMPLES = """\
Examples:
  labelplan demo
  labelplan validate deer.yaml
  labelplan doctor deer.yaml
  labelplan plan deer.yaml --estimate
  labelplan plan deer.yaml -o deer.plan.json
  labelplan show deer.plan.json --deletes
  labelplan apply deer.plan.json
  labelplan runs wildlife-training
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a key in a script that the terminal does not have
    gc.set_threshold(200_000, 30, 30)  # as mypy does: nearly nothing here is a cycle, and looking for one is a quarter
    sys.exit(run(sys.argv[1:] if argv is None else list(argv)))


def run(args: list[str]) -> int:
    """Run one command line and return its exit code (docs/exit-codes.md)."""
    stream = is_stream(args)
    try:
        if stream:
            _say(version_event())
        return _dispatch(args)
    except LabelplanError as error:
        if "--json" in args:
            _say_last(error_event(error) if stream else error_object(error))
        return _show_error(error)
    except KeyboardInterrupt:
        went_on = " What was answered is kept; the same command again goes on." if args[:1] == ["plan"] else ""
        if stream:
            _say_last(interrupted_event(f"Interrupted.{went_on}"))
        print(f"Interrupted.{went_on}", file=sys.stderr)  # noqa: T201 - the one place that talks for a whole command
        return INTERRUPTED
    except BrokenPipeError:
        _give_up_stdout()
        return DONE
    except OSError as error:  # a full disk, a closed stdout: nothing that a command could have foreseen
        refused = LabelplanError(f"The system refused: {error}")
        if stream:
            _say_last(error_event(refused))
        _give_up_stdout()
        return _show_error(refused)


def _give_up_stdout() -> None:
    """Send what is left in stdout's buffer to nowhere, or Python fails on it once more at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(args: list[str]) -> int:
    if not args or args[0] in {"--help", "-h", "help"}:
        print(help_text(), end="", flush=True)  # noqa: T201 - a command's result
        return DONE
    if args[0] == "--version":
        print(f"labelplan {__version__}", flush=True)  # noqa: T201 - as above
        return DONE
    name = args[0]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        what = f"There is no command '{name}'." + (f" Did you mean '{near[0]}'?" if near else "")
        raise UsageError(what, hint="labelplan --help lists the commands.")
    return _run_command(name, args[1:])


def _run_command(name: str, args: list[str]) -> int:
    import typer  # noqa: PLC0415 - loaded only when a command runs

    _import_msgspec()
    app = importlib.import_module(f"labelplan.cli.{name}").app
    # click's ClickException; newer typer carries click inside itself, older typer imports it
    click_exception: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    try:
        result = typer.main.get_command(app).main(args, prog_name=f"labelplan {name}", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except click_exception as error:
        what: str = error.format_message()  # type: ignore[attr-defined]  # ClickException has it
        raise UsageError(what, hint=f"labelplan {name} --help shows what it takes.") from None
    if result == INTERRUPTED:  # how typer returns from Ctrl-C
        raise KeyboardInterrupt
    return result if isinstance(result, int) else DONE


def _import_msgspec() -> None:
    """Import msgspec without typing_extensions, which it asks for what `typing` has had since Python 3.11.

    msgspec falls back to `typing` by itself; every command starts 25 ms sooner (benchmarks/startup.py).
    """
    if "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # Python's way to say: not there
        try:
            importlib.import_module("msgspec")
        finally:
            del sys.modules["typing_extensions"]


def help_text() -> str:
    """Return what `labelplan --help` prints."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items())
    return f"""\
Usage: labelplan COMMAND [ARGS]...

  Terraform for cleaning training images: plan, review, apply, undo.

Commands:
{commands}

Options:
  --version  Show the version and exit.
  --help     Show this message and exit; labelplan COMMAND --help tells more.

{EXAMPLES}"""


def _say(event: Mapping[str, object]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)  # noqa: T201 - a command's result


def _say_last(event: Mapping[str, object]) -> None:
    """Say how it ended, if anybody still listens: Ctrl-C ends the reader of a pipe as well."""
    try:
        _say(event)
    except OSError:
        _give_up_stdout()


def _show_error(error: LabelplanError) -> int:
    """Tell an error on stderr; return its exit code."""
    # FILE:LINE:COLUMN at the beginning is a link for editors
    prefix = "" if isinstance(error, SpecError) else "Error: "
    print(_visible(prefix + error.what), *filter(None, [error.advice]), sep="\n", file=sys.stderr)  # noqa: T201 - not a result
    return error.exit_code


def _visible(text: str) -> str:
    """Write out what would move the cursor, turn text around or not be seen: an error may quote a key or a spec."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


if __name__ == "__main__":
    main()
