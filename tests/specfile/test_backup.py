from __future__ import annotations

import pytest

from labelplan.model.spec import Backup
from labelplan.specfile.build import build_spec
from tests.specfile.making import GOOD, complaint, complaints, load

DATA = {"version": 1, "bucket": "wildlife", "labels": {"deer": {"prefix": "images/deer/", "accept": ["Deer"]}}}


def backup(text: str) -> Backup:
    return load(GOOD + text).spec.backup


def test_without_a_word_the_way_back_is_the_bucket_s_versions_for_thirty_days() -> None:
    assert backup("") == backup("backup: {}\n") == Backup("versioning", keep_days=30)


def test_a_plan_of_today_still_has_its_way_back() -> None:
    assert build_spec(DATA).backup == Backup()
    assert build_spec({**DATA, "backup": {"mode": "versioning"}}).backup == Backup()


def test_copies_go_where_the_spec_says() -> None:
    text = (
        "backup: {mode: copy, bucket: wildlife-backup, prefix: labelplan/, region: eu-west-1, "
        'account: "210987654321", keep_days: 90}\n'
    )
    assert backup(text) == Backup("copy", "wildlife-backup", "labelplan/", "eu-west-1", "210987654321", 90)


def test_copies_need_no_more_than_the_mode() -> None:
    assert backup("backup: {mode: copy}\n") == Backup("copy")


def test_the_days_hold_for_versions_too() -> None:
    assert backup("backup: {keep_days: 0}\n") == Backup(keep_days=0)


@pytest.mark.parametrize("setting", ["bucket: wildlife-backup", "prefix: x/", "region: eu-west-1"])
@pytest.mark.parametrize("mode", ["", "mode: versioning, "])
def test_what_only_copies_need_is_refused_without_them(setting: str, mode: str) -> None:
    column = 10 + len(mode)
    name = setting.partition(":")[0]
    said = "only 'mode: copy' makes copies: write that as well, or remove this line"
    assert complaint(GOOD + f"backup: {{{mode}{setting}}}\n") == f"7:{column}: backup.{name}: {said}"


def test_a_mode_that_is_none_is_told_and_nothing_else() -> None:
    assert len(complaints(GOOD + "backup: {mode: copies, bucket: wildlife-backup}\n")) == 1
    assert len(complaints(GOOD + "backup: {mode: [copy], bucket: wildlife-backup}\n")) == 1


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ('""', "names no folder: write one, such as labelplan/"),
        ("/", "names no folder: write one, such as labelplan/"),
        ("/copies/", "must not begin with '/': to S3 that is a part of the key"),
        ("copies", "must end with '/': write copies/"),
        (".labelplan/", ".labelplan/ holds labelplan's own records: write another folder, or leave this line out"),
        (".labelplan/runs/", ".labelplan/ holds labelplan's own records: write another folder, or leave this line out"),
        ("./copies/", "'./copies/' is a path: write the key as S3 lists it, without './'"),
        ("s3://b/copies/", "'s3://b/copies/' is an address: write the key alone, without s3:// and the bucket's name"),
        ("5", 'expected text, got the number 5: write "5" in quotes if you mean the text'),
    ],
)
def test_a_place_that_is_no_folder_is_refused(prefix: str, said: str) -> None:
    assert complaint(GOOD + f"backup: {{mode: copy, prefix: {prefix}}}\n") == f"7:22: backup.prefix: {said}"


OVERLAP = "and be planned like images: write another prefix, or another bucket"


@pytest.mark.parametrize(
    ("bucket", "prefix", "place"),
    [
        ("", "images/deer/", "images/deer/runs/"),
        ("", "images/deer/old/", "images/deer/old/runs/"),
        ("bucket: wildlife, ", "images/deer/", "images/deer/runs/"),
    ],
)
def test_copies_inside_a_planned_prefix_are_refused(bucket: str, prefix: str, place: str) -> None:
    said = complaint(GOOD + f"backup: {{mode: copy, {bucket}prefix: {prefix}}}\n")
    assert said == (
        f"7:{22 + len(bucket)}: backup.prefix: the copies would go under {place}, "
        f"which overlaps with 'images/deer/' of labels.deer (line 5), {OVERLAP}"
    )


def test_a_planned_prefix_inside_the_place_of_the_copies_is_refused() -> None:
    text = GOOD.replace("images/deer/", "old/runs/x/") + "backup: {mode: copy, prefix: old/}\n"
    said = "the copies would go under old/runs/, which overlaps with 'old/runs/x/' of labels.deer (line 5)"
    assert complaint(text) == f"7:22: backup.prefix: {said}, {OVERLAP}"


@pytest.mark.parametrize(
    "backup",
    [
        "{mode: copy, prefix: images/}",  # images/runs/ is no folder of a label rule
        "{mode: copy, prefix: images/deer-old/}",
        "{mode: copy, prefix: .labelplan/backup/wild/}",
        "{mode: copy, bucket: wildlife-backup, prefix: images/deer/}",
    ],
)
def test_copies_beside_the_planned_prefixes_or_in_another_bucket_are_fine(backup: str) -> None:
    assert complaints(GOOD + f"backup: {backup}\n") == []


def test_a_rule_with_a_wrong_prefix_is_left_to_that_complaint() -> None:
    text = GOOD.replace("prefix: images/deer/", "prefix: 7") + "backup: {mode: copy, prefix: images/}\n"
    assert [said.split(" ")[1] for said in complaints(text)] == ["labels.deer.prefix:"]
    assert "overlaps" not in "".join(complaints(with_slash() + "backup: {mode: copy, prefix: images/}\n"))


def with_slash() -> str:
    return GOOD.replace("prefix: images/deer/", "prefix: images")
