from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from labelplan.planfile.reader import open_plan
from tests.golden.generate import FOLDER

PAGE = Path(__file__).parents[2] / "docs" / "plan-format.md"


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH's ssh-keygen is not installed")
def test_openssh_alone_can_check_a_plan_as_the_format_page_says(tmp_path: Path) -> None:
    found = re.search(r"test_docs\.py runs this -->\n```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    plan = shutil.copy(FOLDER / "every-reason.plan.json", tmp_path)
    key = re.search(r'"(ssh-ed25519 \S+) alice@', (FOLDER / "signers.yaml").read_text())
    assert key
    (tmp_path / "allowed_signers").write_text(f"alice {key[1]}\n")
    done = subprocess.run(["/bin/sh", "-e", "-c", found[1]], cwd=tmp_path, capture_output=True, check=True)  # noqa: S603 - the page's own
    assert b'Good "labelplan.plan.v1" signature for alice' in done.stdout
    with open_plan(plan) as opened:
        assert opened.statement.subject[0].digest.sha256.encode() in done.stdout
