from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labelplan.specfile.scalars import Scalar, plain_value


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("85", 85),
        ("-1", -1),
        ("+7", 7),
        ("0.5", 0.5),
        ("50.0", 50),
        ("Deer", "Deer"),
        ("NOx", "NOx"),
        ("v1.2.3", "v1.2.3"),
        ("9b2cf535f27731c9", "9b2cf535f27731c9"),
        ("images/0007.jpg", "images/0007.jpg"),
    ],
)
def test_a_plain_word_means_what_every_reader_takes_it_for(word: str, value: Scalar) -> None:
    assert plain_value(word) == (value, "")
    assert type(plain_value(word)[0]) is type(value)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        *((word, "true or false") for word in ("NO", "no", "Yes", "on", "OFF", "y", "N")),
        *((word, "octal") for word in ("0777", "-012", "012345678901", "09")),
        *((word, "is a number to some") for word in ("0x1F", "0o17", "0b1", "1_000", "1e3", ".5", "5.", "1,000")),
        *((word, "base 60") for word in ("12:30", "1:30:00", "-3:20")),
        *((word, "a date") for word in ("2024-01-31", "2024-1-1", "2024-01-31T10:00:00Z")),
        *((word, "infinity") for word in (".inf", "-.INF", ".nan", ".NaN")),
        *((word, "18 digits") for word in ("1" * 19, "1." + "0" * 20)),
    ],
)
def test_a_word_that_readers_take_for_different_things_is_refused_with_the_reason(word: str, why: str) -> None:
    value, reason = plain_value(word)
    assert value == word
    assert why in reason
    assert f'"{word}"' in reason


@given(
    st.one_of(st.from_regex(r"[-+.0-9_:eExob]{1,8}", fullmatch=True), st.text("yesnoYESNOtrufalTRUFAL~", max_size=5))
)
def test_what_is_taken_is_taken_alike_by_a_yaml_1_1_reader(word: str) -> None:
    value, reason = plain_value(word)
    if not reason:
        tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, word, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's
        assert tag.removeprefix("tag:yaml.org,2002:") in _TAGS[type(value)]


_TAGS = {str: {"str"}, int: {"int", "float"}, float: {"float"}, bool: {"bool"}, type(None): {"null"}}
