"""Real answers of the service, of both model versions, go through a plan byte for byte.

They are other people's data and not part of the project: the folder that LABELPLAN_REAL_ANSWERS names holds them, or
the one beside a developer's checkout.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from labelplan.flow.recheck import replay
from labelplan.flow.verify import check_answers
from labelplan.model.response import Answered, strict_answer
from labelplan.planfile.reader import open_plan
from tests.flow.making import Bucket, Table, answer, run_plan, source

if TYPE_CHECKING:
    from labelplan.planfile.keys import Signer

FOLDER = Path(os.environ.get("LABELPLAN_REAL_ANSWERS", Path(__file__).parents[3] / "shared" / "data" / "rekognition"))
ANSWERS = sorted(file for kind in ("v2", "v3", "name-confidence") for file in FOLDER.glob(f"{kind}/*.json"))

pytestmark = pytest.mark.skipif(not ANSWERS, reason=f"there are no real answers in {FOLDER}: they are not ours to ship")


def real(file: Path) -> Answered:
    return strict_answer(file.read_bytes())


def test_every_real_answer_is_read_decided_planned_and_read_again_byte_for_byte(tmp_path: Path, signer: Signer) -> None:
    by_version: dict[str, dict[str, Answered]] = {}
    for file in ANSWERS:
        found = real(file)
        key = f"deer/{file.parent.name}-{file.stem}.jpg"
        by_version.setdefault(found.response.LabelModelVersion, {})[key] = found
    for version, found_answers in by_version.items():
        references = {f"deer/r{n}.jpg": answer(version, Dog=99, Person=98, Car=97) for n in (1, 2, 3)}
        path = tmp_path / f"{version or 'none'}.plan.json"
        planned = run_plan(
            path,
            signer,
            source(detector={"min_confidence": 0}),
            Bucket(*found_answers, *references),
            Table({**found_answers, **references}),
        )
        with open_plan(path) as plan:
            written = {one.key: bytes(one.response) for one in plan.decisions() if one.key in found_answers}  # type: ignore[arg-type]  # they have one
            assert written == {key: found.raw for key, found in found_answers.items()}
            assert replay(planned.header, plan.decisions()) == len(found_answers) + 3
            check_answers(plan)
    assert sum(map(len, by_version.values())) == len(ANSWERS)


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_a_real_answers_bytes_mean_what_they_meant(file: Path) -> None:
    assert json.loads(real(file).raw) == json.loads(file.read_bytes())
