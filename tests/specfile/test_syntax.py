from __future__ import annotations

import pytest
import yaml

from labelplan.specfile.syntax import explain
from tests.specfile.making import GOOD, complaint


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        (GOOD + "\tthreshold: 9\n", "7:1", "a tab stands where YAML wants spaces"),
        (GOOD.replace("    prefix", "  \tprefix"), "5:3", "a tab stands where YAML wants spaces"),
        ("a: b\n\tc: d\n", "2:1", "a tab stands where YAML wants spaces"),
        (GOOD.replace("bucket: ", "bucket:"), "2:1", "this is not 'key: value': check the ':' and the space after it"),
        (GOOD.replace("wildlife", "wild: life"), "2:13", "no value can begin at this ':'"),
        (GOOD.replace("deer:", "deer"), "5:11", "no value can begin at this ':'"),
        (GOOD + "   threshold: 9\n", "7:4", "does not fit the lines above"),
        (GOOD + "- x\n", "7:1", "does not fit the lines above"),
        ("- a\nb: c\n", "2:1", "does not fit the list above"),
        (GOOD.replace("wildlife", "'wildlife"), "2:9", "the quote that opens here is never closed"),
        (GOOD.replace("]", ""), "6:17", "the '[' that opens here is not closed"),
        (GOOD + "guards: {min_keep: 1\n", "7:9", "the '{' that opens here is not closed"),
        (GOOD + "protect: [*.jpg]\n", "7:11", "text cannot begin with '*'"),
        (GOOD + "protect:\n  - **/x\n", "8:5", "text cannot begin with '*'"),
        (GOOD + "region: & x\n", "7:9", "text cannot begin with '&'"),
        (GOOD + "region: !<\n", "7:9", "text cannot begin with '!'"),
        (GOOD + "region: @x\n", "7:9", "text cannot begin with this character"),
        (GOOD + "region: `x`\n", "7:9", "text cannot begin with this character"),
        (GOOD + "region: ]\n", "7:9", "a value is missing before this character"),
        (GOOD + 'protect: ["refs\\deer"]\n', "7:16", "no escape that YAML knows"),
        (GOOD + "region: |x\n", "7:10", "did not find expected comment or line break while scanning a block scalar"),
    ],
)
def test_a_syntax_error_is_told_in_plain_words_where_it_can_be_mended(text: str, place: str, part: str) -> None:
    said = complaint(text)
    assert said.startswith(f"{place}: ")
    assert part in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (yaml.YAMLError("odd"), (1, 1, "odd")),
        (yaml.MarkedYAMLError(problem="odd"), (1, 1, "odd")),
        (yaml.MarkedYAMLError(problem="odd", problem_mark=yaml.Mark("", 0, 9, 0, None, 0)), (10, 1, "odd")),
    ],
)
def test_an_error_that_nobody_foresaw_is_passed_on(error: yaml.YAMLError, said: tuple[int, int, str]) -> None:
    assert explain(error, "a: 1\n") == said
