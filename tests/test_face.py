from __future__ import annotations

import subprocess
import sys

import pytest

import labelplan
from labelplan.flow.plan import make_plan


@pytest.mark.parametrize("name", [name for name in labelplan.__all__ if name != "__version__"])
def test_the_public_face_is_there_and_says_what_it_does(name: str) -> None:
    assert getattr(labelplan, name).__doc__


def test_the_face_is_the_code_itself() -> None:
    assert labelplan.plan is make_plan


def test_what_the_face_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        labelplan.nope  # noqa: B018 - looking it up is the test


def test_importing_labelplan_imports_nothing_else_of_it() -> None:
    code = "import sys, labelplan; print([name for name in sys.modules if name.startswith('labelplan.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout == "[]\n"
