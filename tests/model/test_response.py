from __future__ import annotations

import json

import pytest

from labelplan.model.response import strict_answer

GOOD = b'{"Labels":[{"Name":"Deer","Confidence":100,"Parents":[{"Name":"Animal"}]}],"LabelModelVersion":"3.0"}'


def test_an_answer_is_kept_as_the_bytes_that_came() -> None:
    odd = GOOD.replace(b"100", b"97.53200531005859").replace(b'"Labels":', b'"Labels" : ')
    assert strict_answer(odd).raw == odd


def test_exactly_one_hundred_comes_as_a_whole_number() -> None:
    assert strict_answer(GOOD).response.Labels[0].Confidence == 100.0


def test_an_answer_of_several_lines_is_made_one_with_its_numbers_as_they_were() -> None:
    spread = GOOD.replace(b",", b",\n  ").replace(b"100", b"6.09e-05")
    assert strict_answer(b"\n" + spread + b"\n").raw == GOOD.replace(b"100", b"6.09e-05")


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"[]", b"{}", b"null", b"1", GOOD[:-1], GOOD + b"{}", b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"100", b"NaN"), GOOD.replace(b"100", b"101"), GOOD.replace(b"100", b"-1"),
        GOOD.replace(b"100", b'"100"'), GOOD.replace(b"Deer", b"De\xffer"),
        GOOD.replace(b'"Confidence":100', b'"Confidence":1,"Confidence":100'),
        GOOD.replace(b'"LabelModelVersion"', b'"Extra":NaN,"LabelModelVersion"'),
        GOOD.replace(b'"LabelModelVersion"', b'"Labels":[],"LabelModelVersion"'),
        GOOD.replace(b'"LabelModelVersion"', b'"Extra":' + b"[" * 100_000 + b"]" * 100_000 + b',"LabelModelVersion"'),
    ],
)  # fmt: skip
def test_what_two_parsers_could_read_differently_is_no_answer(bad: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's words, json's or ours, whoever sees it first
        strict_answer(bad)


def test_what_is_nested_deeper_than_python_can_check_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: object, **__: object) -> None:
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr(json, "loads", too_deep)
    with pytest.raises(ValueError, match="recursion"):
        strict_answer(GOOD)
