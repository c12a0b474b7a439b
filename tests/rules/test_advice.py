from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.rules.advice import few_references, label_advice, missed_advice, name_advice, reference_advice
from labelplan.rules.decide import Verdict
from labelplan.rules.tally import Tally
from tests.rules.making import answered, graded, judge, label, plain, response, rule

if TYPE_CHECKING:
    from labelplan.model.response import Response

KEEP = Verdict("keep", "evidence")


def codes(*references: Response, max_labels: int = 50, **changes: object) -> list[tuple[str, str]]:
    one = rule(references=tuple(f"r{n}" for n in range(len(references))), **changes)
    pairs = list(zip(one.references, references, strict=True))
    return [(warn.code, warn.write) for warn in reference_advice(one, pairs, max_labels)]


def test_three_references_that_agree_need_no_advice() -> None:
    assert codes(plain(Deer=99), plain(Deer=98, Grass=90), plain(Deer=97)) == []


@pytest.mark.parametrize(("references", "said"), [(0, "0 references"), (1, "1 reference"), (2, "2 references")])
def test_fewer_than_three_references_are_a_warning(references: int, said: str) -> None:
    (warn,) = few_references(rule(references=("r",) * references))
    assert warn.message == f"deer: {said}; 3 to 5 give a steadier rule"
    assert list(few_references(rule(references=("r",) * 3))) == []
    assert codes(plain(Deer=99), plain(Deer=99)) == [("few-references", "")]


def test_a_reference_that_shares_nothing_with_the_others_is_named_with_the_list_without_it() -> None:
    assert codes(plain(Deer=99), plain(Deer=99), plain(Car=99)) == [("lone-reference", 'references: ["r0", "r1"]')]


def test_a_reference_that_shows_an_excluded_label_is_a_warning() -> None:
    found = codes(plain(Deer=99, Person=95), plain(Deer=99), plain(Deer=99), exclude=graded("Person"))
    assert found == [("excluded-reference", 'references: ["r1", "r2"]')]
    assert codes(plain(Deer=99, Person=85), plain(Deer=99), plain(Deer=99), exclude=graded("Person")) == []


def test_a_reference_without_a_usable_label_is_silent() -> None:
    assert codes(plain(Deer=50), plain(Deer=99), plain(Deer=99)) == [("silent-reference", 'references: ["r1", "r2"]')]


def test_a_reference_whose_best_label_is_barely_above_the_threshold_is_weak() -> None:
    assert codes(plain(Deer=88), plain(Deer=99), plain(Deer=99)) == [("weak-reference", "")]
    assert codes(plain(Deer=88.1), plain(Deer=99), plain(Deer=99)) == []


def test_a_reference_whose_answer_was_cut_may_lack_evidence() -> None:
    found = codes(plain(Deer=99, Elk=98), plain(Deer=99), plain(Deer=99), max_labels=2)
    assert found == [("cut-reference", "detector: {max_labels: 8}")]


def common(*objects: tuple[int, Response]) -> list[str]:
    deer_reference = response(label("Deer", 99, parents=["Animal"]), label("Animal", 99), label("Outdoors", 99))
    deer = judge(rule(ignore=graded("Sky", above=100)), deer_reference)
    fish = judge(rule(name="fish", prefix="fish/"), plain(Fish=99))
    tally = Tally([deer, fish])
    for position, shown in objects:
        tally.add(position, KEEP, answered(shown))
    return [warn.write for warn in label_advice(deer, tally, 0, [("r1", deer_reference)])]


def test_a_label_that_most_other_prefixes_carry_proves_little() -> None:
    assert common((0, plain(Deer=99, Outdoors=99)), (1, plain(Outdoors=99))) == ["ignore: [Sky, Outdoors]"]


def test_a_generic_label_that_accepts_most_of_the_bucket_proves_little_even_without_other_prefixes() -> None:
    assert common((0, plain(Deer=99, Animal=99)), (0, plain(Animal=99))) == ["ignore: [Sky, Animal]"]


def test_the_subject_itself_may_be_in_most_of_the_bucket() -> None:
    assert common((0, plain(Deer=99)), (0, plain(Deer=99)), (0, plain(Deer=99)), (1, plain(Fish=99))) == []


def test_a_label_of_most_of_the_bucket_that_some_others_carry_too_proves_little() -> None:
    others = [(1, plain(Fish=99, Outdoors=99 if n == 0 else 1)) for n in range(4)]
    assert common(*((0, plain(Deer=99, Outdoors=99)) for _ in range(12)), *others) == ["ignore: [Sky, Outdoors]"]


def test_without_another_prefix_to_compare_with_the_commonest_label_is_suspected() -> None:
    flat = plain(Deer=99, Outdoors=99)
    deer = judge(rule(), flat)
    tally = Tally([deer])
    for shown in (flat, flat, plain(Outdoors=99)):
        tally.add(0, KEEP, answered(shown))
    (warn,) = label_advice(deer, tally, 0, [("r1", flat)])
    assert warn.write == "ignore: [Outdoors]"
    assert "Outdoors 100 %, Deer 67 %;" in warn.message


def unseen(seen: set[str], *references: Response, **changes: object) -> list[str]:
    return [warn.write for warn in name_advice(judge(rule(**changes), *references), seen)]


def test_a_name_that_no_answer_showed_is_pointed_out_with_what_may_be_meant() -> None:
    one = judge(rule(accept=graded("Dear", "Elk"), ignore=graded("Nature"), exclude=graded("Person", "Xylophone")))
    found = [(w.write, w.message) for w in name_advice(one, {"Deer", "Elk", "Nature", "Person"})]
    assert found == [
        ("accept: [Deer, Elk]", "no answer showed the label 'Dear' of accept; did you mean 'Deer'?"),
        ("", "no answer showed the label 'Xylophone' of exclude"),
    ]


def test_the_line_to_write_keeps_the_thresholds_of_the_others_and_of_the_mended_one() -> None:
    excluded = (*graded("Person", above=50), *graded("Hamer", above=90), *graded("Boot"))
    assert unseen({"Person", "Hammer", "Boot"}, exclude=excluded) == [
        "exclude: [{label: Person, threshold: 50}, {label: Hammer, threshold: 90}, Boot]"
    ]


def test_a_mended_name_that_is_there_already_is_not_given_twice() -> None:
    assert unseen({"Person"}, exclude=graded("Person", "Persn", above=50)) == [
        "exclude: [{label: Person, threshold: 50}]"
    ]


def test_no_line_is_proposed_that_takes_evidence_away_or_contradicts_another_list() -> None:
    assert unseen({"Fish"}, plain(Fish=99), ignore=graded("Fsh", above=100)) == [""]
    assert unseen({"Fish"}, plain(Fish=99), exclude=graded("Fsh")) == [""]
    assert unseen({"Fish"}, accept=graded("Fsh"), exclude=graded("Fish")) == [""]
    assert unseen({"Fish"}, plain(Fish=99), accept=graded("Fsh")) == ["accept: [Fish]"]


def test_ignoring_more_keeps_what_is_ignored_and_never_what_the_spec_accepts() -> None:
    flat = plain(Deer=99, Outdoors=99)
    for changes, line in (
        ({"ignore": graded("Outdoors", "Sky", above=80)}, "ignore: [{label: Sky, threshold: 80}, Outdoors]"),
        ({"accept": graded("Outdoors")}, ""),
    ):
        one = judge(rule(**changes), flat)
        tally = Tally([one])
        for shown in (flat, plain(Outdoors=99), plain(Outdoors=99)):
            tally.add(0, KEEP, answered(shown))
        assert [warn.write for warn in label_advice(one, tally, 0, [("r1", flat)])] == [line]


@pytest.mark.parametrize("word", ["T-Shirts", "Yes", "no", "Été", "9 Ball", "null"])
def test_what_yaml_could_read_as_something_else_is_quoted_in_the_line_to_write(word: str) -> None:
    (line,) = unseen({word}, accept=graded(f"{word}s" if word != "no" else "noo"))
    assert line == f'accept: ["{word}"]'


@pytest.mark.parametrize(("alike", "others", "warned"), [(3, 0, True), (2, 0, False), (3, 12, True), (3, 13, False)])
def test_deletes_that_look_alike_may_be_a_forgotten_part_of_the_class(alike: int, others: int, *, warned: bool) -> None:
    one = judge(rule(accept=graded("Elk")), plain(Deer=99))
    tally = Tally([one])
    shows = [plain(Dam=99)] * alike + [plain(**{f"Thing{number}": 99}) for number in range(others)]
    for shown in shows:
        tally.add(0, Verdict("delete", "no-evidence"), answered(shown))
    found = [(warn.code, warn.write) for warn in missed_advice(one.rule, tally, 0)]
    assert found == ([("alike-deletes", "accept: [Elk, Dam]")] if warned else [])


def test_accepting_what_deletes_share_replaces_an_entry_with_a_higher_threshold() -> None:
    one = judge(rule(accept=graded("Dam", above=95)), plain(Deer=99))
    tally = Tally([one])
    for _ in range(3):
        tally.add(0, Verdict("delete", "no-evidence"), answered(plain(Dam=90)))
    assert [warn.write for warn in missed_advice(one.rule, tally, 0)] == ["accept: [Dam]"]


def test_half_of_the_bucket_is_not_more_than_half() -> None:
    flat = plain(Deer=99)
    one = judge(rule(), flat)
    tally = Tally([one])
    tally.add(0, KEEP, answered(flat))
    tally.add(0, KEEP, answered(plain(Car=99)))
    assert list(label_advice(one, tally, 0, [("r1", flat)])) == []
    tally.add(0, KEEP, answered(flat))
    assert len(list(label_advice(one, tally, 0, [("r1", flat)]))) == 1
