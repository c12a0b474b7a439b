from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labelplan.specfile import text as text_module
from labelplan.specfile.text import MAX_DEPTH, Place, dotted, parse
from tests.specfile.making import GOOD, complaint, complaints


def test_data_come_with_the_place_of_each_key_and_item() -> None:
    document = parse("a: 1\nb:\n  - x\n  - {c: é, d: 2}\n", "spec.yaml")
    assert document.data == {"a": 1, "b": ["x", {"c": "é", "d": 2}]}
    assert document.places == {
        (): Place(1, 1),
        ("a",): Place(1, 1),
        ("b",): Place(2, 1),
        ("b", 0): Place(3, 5),
        ("b", 1): Place(4, 5),
        ("b", 1, "c"): Place(4, 6),
        ("b", 1, "d"): Place(4, 12),
    }


def test_a_place_that_is_not_there_is_that_of_what_would_hold_it() -> None:
    document = parse("a:\n  b: 1\n", "spec.yaml")
    assert document.place(("a", "missing", 3)) == Place(1, 1)
    assert document.place(("a", "b")) == Place(2, 3)


def test_quoted_text_stays_text() -> None:
    words = ["NO", "0777", "12:30", "true", "null", "1e3", "<<", "*x"]
    text = "".join(f"- '{word}'\n" for word in words)
    assert parse(text, "spec.yaml").data == words
    assert parse(text, "spec.yaml").problems == []


@pytest.mark.parametrize(
    ("where", "written"),
    [
        ((), ""),
        (("labels", "whitetail-deer", "references", 0), "labels.whitetail-deer.references[0]"),
        (("labels", "v1.2", "prefix"), "labels.v1.2.prefix"),
        (("labels", "white tail", "prefix"), 'labels["white tail"].prefix'),
        (("labels", "", 1), 'labels[""][1]'),
    ],
)
def test_a_way_is_written_as_people_do(where: tuple[str | int, ...], written: str) -> None:
    assert dotted(where) == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "bucket: other\n", "7:1: bucket: given twice (first on line 2): remove one"),
        (
            GOOD + '    "prefix": a/\n    accept: [x]\n',
            "7:5: labels.deer.prefix: given twice (first on line 5): remove one",
        ),
        (GOOD + "account: &a '123456789012'\n", "7:10: account: an anchor (&) is not allowed"),
        (GOOD + "protect: [*a]\n", "7:11: protect[0]: an alias (*) is not allowed: text that begins with '*', such"),
        (GOOD + "threshold: !!float 85\n", "7:12: threshold: a tag (!) is not allowed"),
        (GOOD + "region: ! us-east-1\n", "7:9: region: a tag (!) is not allowed"),
        (GOOD + "&k threshold: 85\n", "7:1: threshold: an anchor (&) is not allowed"),
        (GOOD + "    <<: {threshold: 90}\n", '7:5: labels.deer["<<"]: << is a merge key, which is not allowed'),
        (GOOD.replace("deer:", "NO:"), "4:3: labels.NO: NO is true or false to some YAML readers"),
        (GOOD.replace("deer:", "123:"), '4:3: labels.123: 123 is not text, as a key must be: write "123"'),
        (GOOD.replace("deer:", "true:"), '4:3: labels.true: true is not text, as a key must be: write "true"'),
        (GOOD + "? [a, b]\n: c\n", '7:3: [""]: a key must be text'),
        (GOOD + "exclude: [NO]\n", "7:11: exclude[0]: NO is true or false to some YAML readers and text to others"),
        (GOOD + "threshold: 0777\n", "7:12: threshold: 0777 is an octal number to some YAML readers"),
        (GOOD + "---\na: 1\n", "7:1: a second YAML document begins here: a spec is one document"),
        ("%YAML 1.1\n---\n" + GOOD, "1:1: a directive (%) is not allowed"),
        ("%TAG ! tag:x,2020:\n---\n" + GOOD, "1:1: a directive (%) is not allowed"),
        ("", "1:1: the file is empty"),
        ("# only a comment\n", "2:1: the file is empty"),
        ("---\n", "2:1: the file is empty"),
        ("null\n", "1:1: the file is empty"),
    ],
)
def test_yaml_that_a_spec_must_not_have_is_refused_at_its_place(text: str, said: str) -> None:
    assert complaint(text).startswith(said)


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    assert complaint(GOOD + 'protect: ["a\\ud800"]\n').startswith("7:")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "_LOADER", yaml.SafeLoader)  # libyaml refuses the escape itself
        assert complaint(GOOD + 'protect: ["a\\ud800"]\n').startswith("7:11: protect[0]: half of a surrogate pair")


def test_depth_is_limited_before_anything_is_built() -> None:
    assert complaint("a: " + "[" * 100_000) == f"1:{MAX_DEPTH + 4}: more than {MAX_DEPTH} levels deep: no spec is"


def test_a_syntax_error_does_not_hide_what_was_found_before_it() -> None:
    assert [one.partition(" ")[0] for one in complaints("a: 1\na: NO\nb: [x\nc: d\n")] == ["2:1:", "2:4:", "3:4:"]


def test_a_pyyaml_without_libyaml_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_LOADER", yaml.SafeLoader)
    assert text_module.parse("a: 1\nb: [c, 'NO']\n", "spec.yaml").data == {"a": 1, "b": ["c", "NO"]}
    assert complaint("a: [é, @]\n") == "1:8: text cannot begin with this character: put it in quotes"


_TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.text("abcNO0:-#*&!é ", max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abNO0:- é", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("ab", min_size=1, max_size=3), _TREES, min_size=1, max_size=3))
def test_whatever_a_careful_writer_writes_reads_back_the_same(tree: dict[str, object]) -> None:
    document = parse(yaml.dump(tree, Dumper=_Quoting, allow_unicode=True), "spec.yaml")
    assert document.problems == []
    assert document.data == tree


class _Quoting(yaml.SafeDumper):
    """Writes every text in double quotes, and nothing else."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
