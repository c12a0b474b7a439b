from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from labelplan.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_session_in_the_readme_is_what_the_demo_prints() -> None:
    """Runs the whole demo, which checks its own claims: 13 to delete, 45 to keep, none wrong, 58 of 58 back."""
    pytest.importorskip("onnxruntime", reason="needs the extra [local]")
    session: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "session.py"))
    now = session["session"](session["demo_output"]())
    assert session["normalised"](session["in_readme"]()) == session["normalised"](now), "run: python docs/session.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_readme_names_the_two_commands_and_the_makefile_has_them() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in (ROOT / "README.md").read_text(encoding="utf-8")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_command_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"\n## labelplan {name}" not in page] == []
