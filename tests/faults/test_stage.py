"""A bucket that is used once more is as it was, in all that can be seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.disturbances import NEVER
from tests.faults.judging import photograph
from tests.faults.look import record_keys
from tests.faults.pictures import BAD, MODES
from tests.faults.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.stage import Stage


@pytest.fixture
def again(stage: Stage) -> Iterator[Stage]:
    stage.again = {}
    yield stage
    stage.again = None


@pytest.mark.parametrize("mode", MODES)
def test_a_story_begins_as_the_one_before_began(again: Stage, mode: str) -> None:
    one = Telling(again, "first", mode, NEVER)
    again.s3.put_object(Bucket=one.bucket.name, Key=BAD[0], Body=b"another")
    again.s3.delete_object(Bucket=one.bucket.name, Key=BAD[1])
    again.s3.put_object(Bucket=one.bucket.name, Key=".labelplan/lock", Body=b"somebody")
    one.bucket.others.written[BAD[0]] = b"another"
    other = Telling(again, "second", mode, NEVER)
    assert other.bucket.name == one.bucket.name
    assert not other.bucket.others.touched
    assert not record_keys(again.s3, other.bucket.name)
    assert photograph(again.s3, other.bucket.name) == other.before == one.before


@pytest.mark.parametrize("mode", ["versioning", "copy-beside"])
def test_an_undo_begins_where_the_one_before_began(again: Stage, mode: str) -> None:
    one = Telling(again, "first", mode, NEVER)
    run = one.be_applied()
    applied = photograph(again.s3, one.bucket.name)
    one.finish_undo()
    assert photograph(again.s3, one.bucket.name) != applied
    other = Telling(again, "second", mode, NEVER)
    assert other.be_applied() == run
    assert other.point.commands == 0
    assert photograph(again.s3, other.bucket.name) == applied
    other.finish_undo()
    assert not other.end().faults


def test_a_bucket_is_made_anew_unless_it_is_to_be_used_again(stage: Stage) -> None:
    assert stage.scene("copy").bucket.name != stage.scene("copy").bucket.name
