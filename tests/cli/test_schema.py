from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from labelplan.cli.main import run

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("arguments", [["spec"], ["spec", "--json"]])
def test_the_schema_is_printed_as_it_stands_in_the_project(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schema", *arguments]) == 0
    printed, talk = capsys.readouterr()
    assert printed == (ROOT / "schemas/spec.schema.json").read_text(encoding="utf-8")
    assert talk == ""
    Draft202012Validator.check_schema(json.loads(printed))


def test_a_format_without_a_schema_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "pla"]) == 4
    assert "spec" in capsys.readouterr().err


def test_the_help_says_how_an_editor_uses_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "--help"]) == 0
    assert "# yaml-language-server: $schema=./spec.schema.json" in capsys.readouterr().out
