"""The tutorial does what it says: its commands are run as they stand, in order, on the demo's own bucket."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from labelplan.cli.main import run
from labelplan.demo.bucket import DemoBucket, photographs

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
STEP = re.compile(r"^```(?:yaml file=(?P<file>\S+)|sh)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorials_commands_do_what_it_says(
    s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra [local]")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LABELPLAN_TRUST_OWN_KEY", "1")
    monkeypatch.chdir(tmp_path)
    DemoBucket().fill(photographs())
    run(["key", "generate"])
    said: dict[str, list[str]] = {}
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if step["file"]:
            (tmp_path / step["file"]).write_text(step["text"], encoding="utf-8")
            continue
        for line in step["text"].splitlines():
            command, _, comment = line.partition("#")
            expected = int(comment.removeprefix(" exits with ")) if comment else 0
            assert run(shlex.split(command)[1:]) == expected, line
            said.setdefault(command.strip(), []).append("".join(capsys.readouterr()))
    (mistakes,) = said["labelplan validate fish.yaml"]
    assert "fish.yaml:6:5: labels.fish.prefix: must end with '/'" in mistakes
    assert "unknown key 'treshold'; did you mean 'threshold'?" in mistakes
    (four,) = said["labelplan show fish.plan.json --deletes"]
    assert re.findall(r"- delete  fish/(\w+)", four) == ["astronaut", "hammer7", "tajMahal", "windmill2"]
    refused, applied, again = said["labelplan apply fish.plan.json --auto-approve"]
    assert "guards" in refused
    assert "Apply complete: 2 deleted." in applied
    assert "was applied by the run" in again
