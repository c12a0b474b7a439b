from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from labelplan import __version__, errors
from labelplan.cli import main as cli
from labelplan.errors import AlreadyApplied, LabelplanError

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


def test_help_reads_like_this(capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion) -> None:
    assert cli.run(["--help"]) == 0
    assert capsys.readouterr().out == snapshot


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 0
    assert capsys.readouterr().out == cli.help_text()


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"labelplan {__version__}\n"


def test_a_command_that_does_not_exist_is_a_usage_error_with_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["aply"]) == 4
    assert "There is no command 'aply'. Did you mean 'apply'?" in capsys.readouterr().err
    assert cli.run(["xyzzy"]) == 4
    assert "Did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["show"], ["show", "--nope"], ["plan", "a", "b"], ["key", "nope"]])
def test_clicks_usage_errors_end_with_4_not_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 4
    assert f"labelplan {arguments[0]} --help shows what it takes." in capsys.readouterr().err


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"labelplan {name}" in shown
    assert "Example" in shown
    assert "{" not in shown.partition("\n")[0]  # as newer typer would write arguments


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_lives_in_a_module_of_its_name(name: str) -> None:
    assert importlib.import_module(f"labelplan.cli.{name}").app is not None


def test_an_error_is_shown_with_what_to_do_next_and_as_json_if_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: list[str]) -> int:
        raise AlreadyApplied("It was applied.")

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert cli.run(["apply", "p", "--json"]) == 6
    shown = capsys.readouterr()
    assert shown.err == "Error: It was applied.\nPlan again; the bucket may have changed since.\n"
    assert json.loads(shown.out)["error"] == {
        "kind": "AlreadyApplied",
        "exit_code": 6,
        "message": "It was applied.",
        "hint": "Plan again; the bucket may have changed since.",
    }


def test_an_interruption_ends_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_dispatch", interrupt)
    assert cli.run(["show"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
    assert cli.run(["plan", "deer.yaml"]) == 130
    kept = "Interrupted. What was answered is kept; the same command again goes on.\n"
    assert capsys.readouterr().err == kept


def test_what_the_system_refuses_ends_a_stream_of_events_as_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: list[str]) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "_dispatch", fail)
    monkeypatch.setattr(cli, "_give_up_stdout", lambda: None)  # it is the test's own
    assert cli.run(["plan", "deer.yaml", "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out.splitlines()[-1])["type"] == "error"
    assert cli.run(["plan", "deer.yaml"]) == 1
    assert capsys.readouterr() == ("", shown.err)


def test_an_interruption_whose_reader_is_gone_too_shows_no_traceback() -> None:
    code = (
        "import sys; from labelplan.cli import main\n"
        "def interrupt(_): sys.stdin.readline(); raise KeyboardInterrupt\n"
        "main._dispatch = interrupt; main.main(['plan', 'deer.yaml', '--json'])"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"version" in process.stdout.readline()
        process.stdout.close()
        process.stdin.close()
        said = process.stderr.read()
    assert (process.returncode, said.decode().startswith("Interrupted."), b"Traceback" in said) == (130, True, False)


@pytest.mark.parametrize("end", [KeyboardInterrupt, EOFError])
def test_ctrl_c_inside_a_command_ends_with_130(
    end: type[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise end

    monkeypatch.setattr("labelplan.planfile.reader.open_plan", interrupt)
    assert cli.run(["show", "p"]) == 130
    assert "Interrupted." in capsys.readouterr().err


def test_help_and_verify_load_neither_boto3_nor_what_they_do_not_need() -> None:
    code = (
        "import sys; from labelplan.cli.main import run; run(sys.argv[1:]); "
        "slow = ('boto3', 'typer', 'jsonschema', 'yaml', 'rich', 'typing_extensions'); "
        "print([name for name in slow if name in sys.modules])"
    )
    helped = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert helped.stdout.splitlines()[-1] == "[]"
    verified = subprocess.run([sys.executable, "-c", code, "verify", "x"], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert verified.stdout.splitlines()[-1] == "['typer']"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m labelplan --help | true"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)  # noqa: S602 - a pipe that breaks
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("arguments", ["--help", "schema spec"])
def test_a_full_disk_is_told_without_a_traceback(arguments: str) -> None:
    command = f"{sys.executable} -m labelplan {arguments} > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - a shell's redirection
    assert (done.returncode, done.stderr) == (1, "Error: The system refused: [Errno 28] No space left on device\n")


def test_a_closed_stdout_is_no_traceback() -> None:
    command = f"{sys.executable} -m labelplan schema spec >&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - a shell's redirection
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_terminal_cannot_show_is_written_out() -> None:
    command = [sys.executable, "-m", "labelplan", "šČ\x1b[31m"]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)  # noqa: S603 - our own
    assert (done.returncode, b"no command '\\u0161\\u010c\\x1b[31m'" in done.stderr) == (4, True)


def test_every_error_says_what_happened_in_its_docstring() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, LabelplanError)]
    assert len(kinds) > 15
    assert all(kind.__doc__ and kind.__doc__.endswith(".") for kind in kinds)


def test_exit_codes_are_those_of_the_design() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, LabelplanError)]
    codes = {kind.__name__: kind.exit_code for kind in kinds}
    assert codes == {
        "LabelplanError": 1, "Declined": 1, "MissingExtra": 1, "RunNotFound": 1, "DetectorFailed": 1,
        "AnswersPending": 3, "CacheUnusable": 1,
        "UsageError": 4, "SpecError": 4, "SpecMismatch": 4,
        "TrustError": 5, "PlanCorrupt": 5, "BadSignature": 5, "UnknownSigner": 5, "KeyUnusable": 5, "UnexpectedPlan": 5,
        "StalePlan": 6, "PlanExpired": 6, "AlreadyApplied": 6, "PartialPlan": 6,
        "GuardTripped": 7, "Locked": 8, "BudgetExceeded": 9, "AwsRefused": 10, "WrongTarget": 11, "NoWayBack": 12,
    }  # fmt: skip
