"""From the options `--signers`, `--key`, `--trust-own-key` to whom a command trusts; shared by verify and apply."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labelplan.planfile.trust import Trust


def trust_here(signers: Path | None, key: str | None, *, trust_own_key: bool) -> Trust:
    """Load the trust that governs this command; one's own key is enough at a terminal, or when asked for."""
    from labelplan.planfile.keys import find_signer  # noqa: PLC0415 - help must not wait for it
    from labelplan.planfile.trust import load_trust  # noqa: PLC0415 - as above

    asked_for = trust_own_key or os.environ.get("LABELPLAN_TRUST_OWN_KEY") == "1"
    return load_trust(
        signers,
        os.environ,
        Path.cwd(),
        lambda: find_signer(key, os.environ).public,
        allow_own_key=asked_for or sys.stdin.isatty(),
    )
