from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from labelplan.cli.main import run

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

GOOD = """\
version: 1
bucket: wildlife
labels:
  deer:
    prefix: images/deer/
    references: [images/deer/1.jpg, images/deer/2.jpg, images/deer/3.jpg]
"""
BROKEN = """\
version: 1
bucket: wildlife
account: 123456789012
threshhold: 85
labels:
  deer:
    prefix: /images/deer
    references:
    threshold: 850
  NO:
    prefix: images/fjord/
    accept: Fjord
  mallard:
    prefix: images/fjord/mallard/
    references: [./refs/1.jpg]
    threshold: 40
    evidence: specfic
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "few.yaml").write_text(
        GOOD.replace(", images/deer/2.jpg, images/deer/3.jpg", "") + "budget: {max_usd: 5}\n"
    )
    (tmp_path / "broken.yaml").write_text(BROKEN)
    (tmp_path / "local.yaml").write_text(GOOD.replace("images/deer/2.jpg", "./refs/deer.jpg"))
    monkeypatch.chdir(tmp_path)


def test_a_valid_spec_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "good.yaml"]) == 0
    assert capsys.readouterr() == (
        "good.yaml: valid: 1 label rule, 3 references, bucket wildlife, detector rekognition, no budget\n",
        "",
    )


def test_every_problem_of_every_file_is_told(capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion) -> None:
    assert run(["validate", "broken.yaml", "good.yaml", "missing.yaml", ".", "few.yaml", "local.yaml"]) == 4
    assert capsys.readouterr().out == snapshot


def test_the_same_as_json(capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion) -> None:
    assert run(["validate", "--json", "local.yaml", "few.yaml", "good.yaml"]) == 4
    said = json.loads(capsys.readouterr().out)
    assert said == snapshot
    assert [one["valid"] for one in said["specs"]] == [False, True, True]
    assert set(said["specs"][0]["problems"][0]) == {"file", "line", "column", "where", "message"}


def test_a_warning_alone_leaves_a_spec_valid() -> None:
    assert run(["validate", "few.yaml"]) == 0


def test_a_local_reference_that_is_there_is_fine() -> None:
    Path("refs").mkdir()
    Path("refs/deer.jpg").write_bytes(b"jpeg")
    assert run(["validate", "local.yaml"]) == 0


def test_no_spec_at_all_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate"]) == 4
    assert "labelplan validate --help" in capsys.readouterr().err


def test_validating_loads_nothing_that_could_reach_a_network() -> None:
    code = (
        "import sys; from labelplan.cli.main import run; code = run(['validate', 'good.yaml']); "
        "print(code, {'boto3', 'botocore', 'requests', 'urllib3', 'cryptography'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.splitlines()[-1] == "0 set()"


def test_the_help_has_examples_and_needs_no_yaml() -> None:
    code = "import sys; from labelplan.cli.main import run; run(['validate', '--help']); print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert "  labelplan validate specs/*.yaml --json\n" in done.stdout
    assert done.stdout.endswith("False\n")
