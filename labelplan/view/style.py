"""Colour for a terminal, or none; and text that is safe to print there."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """Paints text with ANSI codes when *colour* is on, else leaves it as it is."""

    colour: bool

    def bold(self, text: str) -> str:
        """Headings and totals."""
        return self._paint("1", text)

    def red(self, text: str) -> str:
        """What is deleted."""
        return self._paint("31", text)

    def green(self, text: str) -> str:
        """What is kept or brought back."""
        return self._paint("32", text)

    def yellow(self, text: str) -> str:
        """What to look at twice."""
        return self._paint("33", text)

    def dim(self, text: str) -> str:
        """What is only for the curious."""
        return self._paint("2", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def printable(text: str) -> str:
    """Return *text* as it may be printed: a key may hold line feeds, terminal codes or text that runs backwards."""
    return text if text.isprintable() else json.dumps(text)
