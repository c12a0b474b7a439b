from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labelplan.errors import SpecError, UsageError
from labelplan.specfile.build import build_spec
from labelplan.specfile.load import load_bytes, load_spec
from labelplan.specfile.schema import schema_text
from tests.specfile.making import GOOD, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.errors import Problem


def test_a_loaded_spec_knows_its_file(tmp_path: Path) -> None:
    path = tmp_path / "deer.yaml"
    path.write_text(GOOD)
    loaded = load_spec(str(path))
    assert loaded.path == path
    assert loaded.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert loaded.data["labels"]["deer"]["prefix"] == "images/deer/"
    assert build_spec(loaded.data) == loaded.spec


def test_a_problem_stands_at_its_value_or_at_what_would_hold_it() -> None:
    loaded = load(GOOD + "protect:\n  - a/**\n  - b/**\n")
    assert str(loaded.problem(("protect", 0), "matches nothing")) == "spec.yaml:8:5: protect[0]: matches nothing"
    assert loaded.problem(("protect", 1), "").line == 9
    assert loaded.problem(("labels", "deer", "references", 2), "").line == 6
    assert loaded.problem(("labels", "deer", "keep", 0), "").line == 4


def test_a_missing_file_a_folder_and_an_impossible_name_are_usage_errors(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "no.yaml", "there is no such file"), (tmp_path, "is a folder, not a spec")):
        with pytest.raises(UsageError, match=said) as caught:
            load_spec(path)
        assert not isinstance(caught.value, SpecError)
        assert caught.value.exit_code == 4
        assert caught.value.advice
    with pytest.raises(UsageError, match="cannot be read: embedded null byte"):
        load_spec("a\0b")
    with pytest.raises(UsageError, match="cannot be read: File name too long"):
        load_spec("a" * 5000)


def test_a_spec_error_lists_every_problem_and_where_to_read_on(tmp_path: Path) -> None:
    path = tmp_path / "deer.yaml"
    path.write_text(GOOD + "threshold: 850\nevidence: all\n")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert [problem.line for problem in caught.value.problems] == [7, 8]
    assert caught.value.what.startswith(f"{path}:7:1: threshold: 850 is more than the maximum of 100\n{path}:8:1: ")
    assert "labelplan schema spec" in caught.value.advice


def survives(content: bytes) -> None:
    """Load *content*: it is a spec, or its problems stand in the file."""
    problems: tuple[Problem, ...] = ()
    try:
        loaded = load_bytes(content, Path("spec.yaml"))
    except SpecError as error:
        problems = error.problems
    else:
        assert build_spec(json.loads(json.dumps(loaded.data))) == loaded.spec
    lines = len(content.splitlines()) + 2
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in problems)
    assert list(problems) == sorted(problems, key=lambda p: (p.line, p.column, p.message))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_spec_or_a_spec_error(content: bytes) -> None:
    survives(content)


@given(st.text(st.sampled_from("ab1.:-?#&*!|>'\"%@`{}[], \n\t\r~<=\\é\u2028\ud7ff"), max_size=60))
@example("? [a]: b\n")
@example("a: |\n \tb\n")
@example("- - - ? : : a")
@example("&a")
@example("!!")
@example("[" * 500)
@example("a: !!binary x")
def test_any_text_is_a_spec_or_a_spec_error(text: str) -> None:
    survives(text.encode())


@given(st.data())
def test_a_good_spec_with_anything_cut_out_or_put_in_is_a_spec_or_a_spec_error(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 20)))
    survives((GOOD[:start] + data.draw(st.text(max_size=6)) + GOOD[end:]).encode())


def _keys(node: Any) -> Iterator[str]:
    for name, child in node.items() if isinstance(node, dict) else ():
        if name == "properties":
            yield from child
        yield from _keys(child)


_WORDS = st.sampled_from(
    [*sorted(set(_keys(json.loads(schema_text())))), "deer", "a/", "a/b/", "./x", "Deer", "any", "local"]
)
_ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(0, 200), _WORDS, st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_WORDS, inner, max_size=6)),
    max_leaves=25,
)


@given(spec=st.dictionaries(_WORDS, _ANYTHING), rule=st.dictionaries(_WORDS, _ANYTHING), whole=st.booleans())
def test_any_tree_of_the_right_words_is_a_spec_or_a_spec_error(
    *, spec: dict[str, Any], rule: dict[str, Any], whole: bool
) -> None:
    base = {"version": 1, "bucket": "wildlife", "labels": {"deer": {"prefix": "a/", **rule}, "b": rule}}
    survives(json.dumps({**base, **spec} if whole else spec, ensure_ascii=False).encode())
