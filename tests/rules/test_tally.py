from __future__ import annotations

from labelplan.model.plan import AcceptedShare
from labelplan.model.response import Unreadable
from labelplan.rules.decide import EMPTY, Verdict
from labelplan.rules.tally import Tally
from tests.rules.making import answered, graded, judge, label, plain, response, rule

KEEP = Verdict("keep", "evidence")


def test_shares_count_carriers_above_the_rules_own_threshold_here_and_elsewhere() -> None:
    deer = judge(rule(), plain(Deer=99, Outdoors=95))
    fish = judge(rule(name="fish", prefix="fish/"), plain(Fish=99))
    tally = Tally([deer, fish])
    tally.add(0, KEEP, answered(plain(Deer=99, Outdoors=99)))
    tally.add(0, KEEP, answered(plain(Outdoors=85)))
    tally.add(1, KEEP, answered(plain(Fish=99, Outdoors=86)))
    tally.add(1, KEEP, answered(plain(Fish=99)))
    assert tally.shares(0) == (AcceptedShare("Deer", 50.0, 0.0), AcceptedShare("Outdoors", 50.0, 50.0))
    assert tally.shares(1) == (AcceptedShare("Fish", 100.0, 0.0),)
    assert tally.bucket_share(0, "Outdoors") == 50.0
    assert tally.labelled == 4


def test_a_share_of_nothing_is_none_not_zero() -> None:
    tally = Tally([judge(rule(), plain(Deer=99))])
    tally.add(0, KEEP, None)
    assert tally.shares(0) == (AcceptedShare("Deer", None, None),)
    assert tally.bucket_share(0, "Deer") == 0.0


def test_a_carrier_by_alias_counts() -> None:
    tally = Tally([judge(rule(), plain(Automobile=99))])
    tally.add(0, KEEP, answered(response(label("Car", 99, aliases=["Automobile"]))))
    assert tally.shares(0)[0].share == 100.0


def test_reasons_and_error_codes_are_counted() -> None:
    tally = Tally([judge(rule(), plain(Deer=99))])
    tally.add(0, Verdict("keep", "unreadable"), EMPTY)
    tally.add(0, Verdict("keep", "unreadable"), Unreadable("invalid-image", ""))
    tally.add(0, Verdict("keep", "protected"), None)
    assert tally.counts[0] == {("keep", "unreadable"): 2, ("keep", "protected"): 1}
    assert tally.errors == {"empty": 1, "invalid-image": 1}


def test_every_name_an_answer_knows_was_seen() -> None:
    tally = Tally([judge(rule(), plain(Deer=99))])
    tally.saw(response(label("Car", 10, aliases=["Automobile"])))
    assert tally.seen == {"Car", "Automobile"}


def test_what_objects_without_evidence_share_is_known_the_most_specific_label_first() -> None:
    energy = judge(rule(ignore=graded("Sky", above=100)), plain(Windmill=99))
    fish = judge(rule(name="fish", prefix="fish/"), plain(Fish=99))
    tally = Tally([energy, fish])
    dam = response(label("Barrier", 99), label("Dam", 98, parents=["Barrier"]), label("Sky", 99), label("Fog", 85))
    for shown in (dam, dam, response(*dam.Labels, label("Fish", 99)), plain(Fish=99), plain(Fish=99), plain(Fish=99)):
        tally.add(0, Verdict("delete", "no-evidence"), answered(shown))
    tally.add(0, KEEP, answered(plain(Windmill=99, Barrier=99)))
    assert tally.missed(0) == ("Dam", 3)
    assert tally.missed(1) == ("", 0)
