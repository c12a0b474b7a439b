# noqa: INP001 - a script beside the pages, not a package
"""Writes the session in README.md: the demo, run for real, cut to what a reader wants to see first.

Run it after changing what commands print: `python docs/session.py`. A test compares the session with a new run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).parent.parent / "README.md"
BEGIN = "<!-- session: written by docs/session.py -->\n"
END = "<!-- end of session -->"

_CHANGES = [
    (r"20\d{6}T\d{4}Z-[0-9a-f]{4,}", "RUN"),
    (r"20\d\d-\d\d-\d\dT[\d:+]+", "TIME"),
    (r"20\d\d-\d\d-\d\d \d\d:\d\d", "TIME"),
    (r"SHA256:[\w+/]{43}", "KEY"),
    (r"sha256:[0-9a-f]{64}", "DIGEST"),
    (r"127\.0\.0\.1:\d+", "SERVER"),
    (r"\(shows [^)]*\)", "LABELS"),  # the last digits, and with them the order, depend on the processor
    (r"(?<=\.jpg )\d+\.\d", "CONFIDENCE"),
    (r"(?<=and )\d+(?= more accepted)", "SOME"),
]


def demo_output() -> str:
    """Run the demo and return what it prints, result and talk together."""
    command = [sys.executable, "-m", "labelplan", "demo"]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 - our own command
    return done.stdout


def session(output: str) -> str:
    """Cut the demo's output to the commands that a user types, and the first label rule of `show`."""
    steps = re.split(r"^(?=\$ )", output.partition("\nThe whole walk took")[0], flags=re.MULTILINE)
    wanted = [step for step in steps[1:] if not step.startswith("$ labelplan key")]
    return "".join(_shortened(step) for step in wanted).rstrip() + "\n"


def _shortened(step: str) -> str:
    if not step.startswith("$ labelplan show"):
        return step
    head, first, *rest, totals = re.split(r"\n\n", step.strip())
    return "\n\n".join([head, first, f"(… {len(rest)} more label rules …)", totals]) + "\n\n"


def normalised(text: str) -> str:
    """Replace what differs from run to run: times, run ids, keys, digests, ports."""
    for pattern, word in _CHANGES:
        text = re.sub(pattern, word, text)
    return text


def in_readme() -> str:
    """Return the session that stands in the README."""
    (block,) = re.findall(re.escape(BEGIN) + r"```\w*\n(.*?)```\n", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    return str(block)


def _parts(readme: str) -> Iterator[str]:
    yield readme[: readme.index(BEGIN) + len(BEGIN)]
    yield readme[readme.index(END) :]


if __name__ == "__main__":
    before, after = _parts(README.read_text(encoding="utf-8"))
    README.write_text(f"{before}```console\n{session(demo_output())}```\n{after}", encoding="utf-8")
