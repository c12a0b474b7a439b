from __future__ import annotations

import re
import runpy
from importlib.metadata import version
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"


def test_the_spec_page_is_what_the_schema_says() -> None:
    page: str = runpy.run_path(str(DOCS / "generate.py"))["spec_page"]()
    assert (DOCS / "spec.md").read_text(encoding="utf-8") == page, "run: python docs/generate.py"


def test_the_spec_page_has_every_key_with_its_limits() -> None:
    page = (DOCS / "spec.md").read_text(encoding="utf-8")
    assert "| `max_labels` | whole number, 1 to 1,000 | `50` |" in page
    assert "| `threshold` | number, 0 to less than 100 | `85` |" in page
    assert '`"123456789012"`' in page
    for section in ("detector", "labels.NAME", "exclude[]", "labels.NAME.ignore[]", "labels.NAME.delete[]", "guards"):
        assert f"\n## `{section}`\n" in page


def test_the_exit_codes_page_is_what_the_errors_say() -> None:
    page: str = runpy.run_path(str(DOCS / "generate.py"))["exit_codes_page"]()
    assert (DOCS / "exit-codes.md").read_text(encoding="utf-8") == page, "run: python docs/generate.py"


def test_the_commands_page_is_what_the_commands_say() -> None:
    locked = (DOCS.parent / "requirements" / "dev.txt").read_text(encoding="utf-8")
    if f"typer=={version('typer')} " not in locked:
        pytest.skip("another typer than the locked one sets the help otherwise")
    page: str = runpy.run_path(str(DOCS / "generate.py"))["commands_page"]()
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == page, "run: python docs/generate.py"


def test_every_test_that_the_promises_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "promises.md").read_text(encoding="utf-8")))
    there = set(
        re.findall(r"^def (test_\w+)", "\n".join(p.read_text() for p in TESTS.rglob("test_*.py")), re.MULTILINE)
    )
    assert named - there == set()
    assert len(named) > 30
