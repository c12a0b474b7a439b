"""What is said of the objects that are not as they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.model.run import ApplyResult
from labelplan.view.other_text import NAMED, Other, allow_lines, is_denied, other_lines
from labelplan.view.style import Style

if TYPE_CHECKING:
    from labelplan.view.other_text import Outcome

PLAIN = Style(colour=False)
USUAL = "s3:DeleteObject"
AWS = (
    "it is still there: AccessDenied: User: arn:aws:iam::123456789012:user/x is not authorized to perform: "
    's3:PutObjectAcl on resource: "arn:aws:s3:::wild/{}" because no identity-based policy allows it'
)


def failed(key: str, message: str) -> ApplyResult:
    return ApplyResult(key, "v", "failed", message=message)


def test_what_failed_in_the_same_words_shares_a_line_with_a_count_and_the_first_keys() -> None:
    others = [failed(f"deer/{n}.jpg", AWS.format(f"deer/{n}.jpg")) for n in range(7)]
    (line,) = other_lines(others, PLAIN)
    assert line.startswith("  failed  deer/0.jpg, deer/1.jpg, deer/2.jpg and 4 more: it is still there: AccessDenied")
    (line,) = other_lines(others[:NAMED], PLAIN)
    assert line.startswith("  failed  deer/0.jpg, deer/1.jpg, deer/2.jpg: it is still there")


def test_other_words_and_other_outcomes_have_a_line_of_their_own() -> None:
    others: list[Outcome] = [
        failed("a", "it is archived"),
        failed("b", "it is over 5 GB"),
        Other("c", "changed", "another version"),
        Other("d", "changed", "another version"),
        failed("e\n", "it is archived"),
    ]
    assert list(other_lines(others, PLAIN)) == [
        '  failed  a, "e\\n": it is archived',
        "  failed  b: it is over 5 GB",
        "  changed  c: another version",
        "  changed  d: another version",
    ]


@pytest.mark.parametrize(
    ("message", "allow"),
    [
        (AWS.format("k"), "s3:PutObjectAcl in arn:aws:s3:::wild"),
        ("it is still there: AccessDenied: Access Denied", "s3:DeleteObject in arn:aws:s3:::wild"),
        ("it is still there: 403: Forbidden", "s3:DeleteObject in arn:aws:s3:::wild"),
        (
            "Cannot list versions in s3://wild: access denied (AccessDenied)",
            "s3:ListBucketVersions in arn:aws:s3:::wild",
        ),
        ("Cannot copy s3://wild/k: access denied (AccessDenied: No)", "what was refused"),
    ],
)
def test_it_is_said_what_to_allow(message: str, allow: str) -> None:
    first, where = allow_lines([failed("k", message), failed("l", "it is archived")], "wild", USUAL)
    assert first == f"Allow {allow} for the credentials in use, then run the same command again."
    assert "Permissions" in where


def test_nothing_has_to_be_allowed_where_nothing_was_denied() -> None:
    others: list[Outcome] = [
        failed("k", "it is still there: SlowDown"),
        Other("AccessDenied", "changed", "AccessDenied"),
    ]
    assert list(allow_lines(others, "wild", USUAL)) == []
    assert [is_denied(one) for one in others] == [False, False]
