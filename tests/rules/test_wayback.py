from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from labelplan.model.protection import Expiry, Protection
from labelplan.rules.wayback import first_end, notes, removable

NOW = dt.datetime(2026, 11, 22, 14, 5, tzinfo=dt.UTC)
DEER = ("deer/",)
OPEN = Protection((), mfa_delete=False, replicates=False, may_remove_markers=True, acls=False, bucket="wild")
BACKUP = replace(OPEN, bucket="backup")


def ruled(*rules: Expiry, place: Protection = OPEN) -> Protection:
    return replace(place, expiries=rules)


def days(end: Any) -> int | None:
    return None if end is None else (end.when - NOW).days


def of_versions(*rules: Expiry, prefixes: Any = DEER) -> Any:
    return first_end(prefixes, ruled(*rules), None, "", NOW)


def of_copies(*rules: Expiry, own: tuple[Expiry, ...] = (), prefix: str = "copies/") -> Any:
    return first_end(DEER, ruled(*own), ruled(*rules, place=BACKUP), prefix, NOW)


def test_without_rules_nothing_ends_it() -> None:
    assert of_versions() is None
    assert of_copies() is None


@pytest.mark.parametrize(
    ("prefix", "hit"),
    [("", True), ("deer/", True), ("deer/old/", True), ("d", True), ("elk/", False), ("deers/", False)],
)
def test_old_versions_go_by_a_rule_that_can_meet_a_planned_object(prefix: str, *, hit: bool) -> None:
    assert days(of_versions(Expiry("x", prefix, noncurrent_days=7))) == (7 if hit else None)


def test_of_several_rules_the_first_to_act_counts_and_is_named() -> None:
    rules = [
        Expiry("slow", "", noncurrent_days=40),
        Expiry("fast", "deer/", noncurrent_days=1),
        Expiry("", "elk/", 0, 0),
    ]
    end = of_versions(*rules, prefixes=("wolf/", "deer/"))
    assert end.when == NOW + dt.timedelta(days=1)
    assert end.how == "the lifecycle rule fast of the bucket wild (for deer/) removes old versions after 1 day"
    unnamed = of_versions(Expiry("", "", noncurrent_days=0))
    assert unnamed.how.startswith("a lifecycle rule without a name of the bucket wild (for all objects) removes")


def test_what_becomes_of_current_objects_does_not_end_what_versions_keep() -> None:
    assert of_versions(Expiry("x", "deer/", days=1, date="2026-11-23", archive_days=1)) is None


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ({"days": 5}, 5),
        ({"date": "2026-11-25"}, 2),
        ({"date": "2020-01-01"}, 0),  # it acts on everything new
        ({"archive_days": 5}, 5),
        ({"archive_date": "2026-11-25"}, 2),
        ({"noncurrent_days": 5}, None),
        ({"noncurrent_archive_days": 5}, None),
        ({"days": 2_147_483_647}, None),
    ],
)
def test_the_record_and_the_copies_are_current_objects(rule: Any, left: int | None) -> None:
    on_records = Expiry("x", ".labelplan/", **rule)
    assert days(of_versions(on_records)) == left
    assert days(of_copies(own=(on_records,))) == left
    assert days(of_copies(Expiry("x", "copies/", **rule))) == left


@pytest.mark.parametrize(
    ("prefix", "hit"),
    [("", True), (".labelplan/runs/", True), (".labelplan/probe/", False), (".labelplan/backup/", False)],
)
def test_a_rule_for_another_part_of_the_records_does_no_harm(prefix: str, *, hit: bool) -> None:
    assert days(of_versions(Expiry("x", prefix, days=3))) == (3 if hit else None)


def test_the_copies_are_where_the_spec_says() -> None:
    rule = Expiry("x", "copies/runs/2026", days=3)
    assert days(of_copies(rule)) == 3
    assert of_copies(rule, prefix="elsewhere/") is None
    assert of_copies(rule).how.endswith("of the bucket backup (for copies/runs/2026) removes the copies after 3 days")


def test_where_the_way_back_is_a_copy_old_versions_do_not_matter() -> None:
    assert of_copies(own=(Expiry("x", "", noncurrent_days=1),)) is None


def test_rules_that_may_not_be_read_count_as_none() -> None:
    unknown = replace(OPEN, expiries=None)
    assert first_end(DEER, unknown, None, "", NOW) is None
    assert first_end(DEER, unknown, unknown, "copies/", NOW) is None


RULES = st.builds(
    Expiry,
    st.just("x"),
    st.sampled_from(["", "deer/", "elk/", ".labelplan/", "copies/"]),
    noncurrent_days=st.none() | st.integers(0, 100_000),
    days=st.none() | st.integers(0, 100_000),
)


@given(st.lists(RULES, max_size=4), RULES)
def test_another_rule_never_makes_the_way_back_longer(rules: list[Expiry], more: Expiry) -> None:
    for copies in (None, BACKUP):
        fewer = first_end(DEER, ruled(*rules), copies, "copies/", NOW)
        end = first_end(DEER, ruled(*rules, more), copies, "copies/", NOW)
        assert fewer is None or (end is not None and end.when <= fewer.when)
        assert end is None or end.when >= NOW


# --- what else a person should know ---------------------------------------------------------------------------------


def test_where_nothing_stands_in_the_way_nothing_is_said() -> None:
    assert notes(DEER, OPEN, None) == ()
    assert removable(OPEN)
    assert removable(replace(OPEN, may_remove_markers=None))


@pytest.mark.parametrize("change", [{"mfa_delete": True}, {"may_remove_markers": False}])
def test_markers_that_may_not_be_removed_are_said_where_versions_are_the_way_back(change: Any) -> None:
    data = replace(OPEN, **change)
    assert not removable(data)
    (note,) = notes(DEER, data, None)
    assert "undo will copy the old versions back instead of removing the delete markers" in note
    assert note.endswith("it cannot copy what is archived, over 5 GB, or encrypted with a customer's key (SSE-C).")
    assert notes(DEER, data, BACKUP) == ()


def test_replicated_markers_are_said() -> None:
    (note,) = notes(DEER, replace(OPEN, replicates=True), None)
    assert "after an undo the objects stay deleted there" in note


@pytest.mark.parametrize(("prefix", "said"), [("", True), ("elk/", False)])
def test_old_versions_that_go_to_an_archive_are_said(prefix: str, *, said: bool) -> None:
    data = ruled(Expiry("cold", prefix, noncurrent_archive_days=2), Expiry("x", "", noncurrent_days=99))
    found = notes(DEER, data, None)
    assert len(found) == said
    assert not said or found[0].startswith(
        "From 2 days on, an object that is brought back must be restored from an archive"
    )
    assert notes(DEER, data, BACKUP) == ()


def test_what_could_not_be_read_is_said_of_each_bucket_once() -> None:
    data, other = replace(OPEN, unread=("the policy of wild",)), replace(BACKUP, unread=("the policy of backup",))
    assert notes(DEER, data, None) == notes(DEER, data, data) == ("Could not be read: the policy of wild.",)
    assert notes(DEER, data, other) == (
        "Could not be read: the policy of wild.",
        "Could not be read: the policy of backup.",
    )
