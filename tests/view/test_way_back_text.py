from __future__ import annotations

import datetime as dt

import pytest

from labelplan.model.spec import Backup
from labelplan.view.way_back_text import amount, note_lines, until_line, way_back_lines


def test_versions_cost_nothing_to_speak_of() -> None:
    assert list(way_back_lines(Backup(), "wild", 13, 10**6)) == ["The way back: the versions of the bucket."]


def test_copies_say_where_they_go_and_what_they_cost_roughly() -> None:
    backup = Backup("copy", "wild-backup", "labelplan/", region="eu-west-1")
    assert list(way_back_lines(backup, "wild", 13_000, 10 * 2**30)) == [
        "The way back: each object is copied first, to s3://wild-backup/labelplan/runs/<run>/objects/",
        "  13,000 COPY requests: about $0.07; 10.0 GB kept: about $0.23 a month; and the transfer to eu-west-1",
        "  (rough: by the list prices of us-east-1 on 2026-11-22)",
    ]


def test_copies_without_a_bucket_of_their_own_go_into_the_planned_one() -> None:
    place, cost, _ = way_back_lines(Backup("copy"), "wild", 2, 2 * 2**20)
    assert place.endswith("to s3://wild/.labelplan/backup/runs/<run>/objects/")
    assert cost == "  2 COPY requests: less than $0.01; 2.0 MB kept: less than $0.01 a month"


def test_the_end_of_a_way_back_is_a_date_or_unknown() -> None:
    end = dt.datetime(2026, 12, 22, 14, 5, tzinfo=dt.UTC)
    assert until_line(end) == "Can be undone until 2026-12-22 14:05 UTC."
    assert until_line(None) == "Can be undone at any time: nothing that could be read ends the way back."


def test_a_note_cannot_rewrite_the_question() -> None:
    assert list(note_lines(["a rule\x1b[2K"])) == ['  Note: "a rule\\u001b[2K"']


@pytest.mark.parametrize(("size", "said"), [(0, "0.0 MB"), (2**20 * 1023, "1,023.0 MB"), (2**30, "1.0 GB")])
def test_an_amount_has_the_unit_that_suits_it(size: int, said: str) -> None:
    assert amount(size) == said
