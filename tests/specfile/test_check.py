from __future__ import annotations

import pytest

from tests.specfile.making import GOOD, complaint, complaints

SLASH = "must not begin with '/': to S3 that is a part of the key."
RULE = "  {0}:\n    prefix: {1}\n    accept: [Deer]\n"


def with_prefix(prefix: str) -> str:
    return GOOD.replace("prefix: images/deer/", f"prefix: {prefix}")


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        (
            "/images/deer/",
            f"{SLASH} Without it, images/deer/ would match every object under images/deer/",
        ),
        (
            "images/deer",
            "must end with '/': write images/deer/, as images/deer alone would take in images/deer-other/ too",
        ),
        ("images/deer/*", "is no pattern: write images/deer/, which takes in everything under it"),
        ('""', "would take in the whole bucket: write the folder of this class, such as images/deer/"),
        ("/", "would take in the whole bucket: write the folder of this class, such as images/deer/"),
        ("./images/deer/", "'./images/deer/' is a path: write the key as S3 lists it, without './'"),
        (
            "s3://wildlife/images/deer/",
            "'s3://wildlife/images/deer/' is an address: write the key alone, without s3:// and the bucket's name",
        ),
        ("images\\deer\\", "'images\\\\deer\\\\' holds a backslash: keys are divided by '/'"),
        (".labelplan/", ".labelplan/ holds labelplan's own records, which are never planned"),
        (".labelplan/runs/x/", ".labelplan/ holds labelplan's own records, which are never planned"),
    ],
)
def test_a_prefix_that_would_match_something_else_is_refused(prefix: str, said: str) -> None:
    assert complaint(with_prefix(prefix)) == f"5:5: labels.deer.prefix: {said}"


@pytest.mark.parametrize(
    ("above", "below", "said"),
    [
        ("a/", "a/", "overlaps with 'a/' of labels.x (line 8)"),
        ("a/", "a/b/", "overlaps with 'a/' of labels.x (line 8)"),
        ("a/b/c/", "a/", "overlaps with 'a/b/c/' of labels.x (line 8)"),
    ],
)
def test_overlapping_prefixes_are_told_at_the_later_one(above: str, below: str, said: str) -> None:
    text = GOOD + RULE.format("x", above) + RULE.format("z", below)
    assert complaint(text) == f"11:5: labels.z.prefix: {said}: an object would belong to both rules"


def test_prefixes_that_only_look_alike_do_not_overlap() -> None:
    assert complaints(GOOD + RULE.format("x", "images/deer-2/") + RULE.format("z", "images/dee/")) == []


def test_a_rule_that_nothing_could_prove_is_refused() -> None:
    nothing = "has neither 'references' nor 'accept', so nothing could prove that an image belongs here: add one"
    without = GOOD[: GOOD.index("    references")]
    for text in (without, without + "    references: []\n", without + "    accept: []\n"):
        assert complaint(text) == f"4:3: labels.deer: {nothing}"
    assert complaints(without + "    accept: [Deer]\n") == []


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (".\\refs\\deer.jpg", "write a local file with '/', as ./refs/deer.jpg"),
        ("s3://b/deer.jpg", "'s3://b/deer.jpg' is an address: write a key of the bucket, or a local file as"),
        ("images/deer/", "is a folder: a reference is one image"),
    ],
)
def test_a_reference_that_is_no_key_and_no_file_is_refused(reference: str, said: str) -> None:
    assert complaint(GOOD.replace("images/deer/2.jpg", reference)).startswith(
        f"6:37: labels.deer.references[1]: {said}"
    )


def test_a_pattern_that_can_match_nothing_is_refused() -> None:
    said = f"7:11: protect[0]: {SLASH} Without it, a/** would match"
    assert complaint(GOOD + 'protect: ["/a/**"]\n') == said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("keep: [deer.jpg]", "7:12: labels.deer.keep[0]: 'deer.jpg' is not under this rule's prefix 'images/deer/'"),
        (
            "delete: [{key: a.jpg, etag: x}]",
            "7:15: labels.deer.delete[0].key: 'a.jpg' is not under this rule's prefix 'images/deer/'",
        ),
        (
            "keep: [images/deer/9.jpg]\n    delete: [{key: images/deer/9.jpg, etag: x}]",
            "8:15: labels.deer.delete[0].key: 'images/deer/9.jpg' is in 'keep' as well: remove one",
        ),
        (
            "delete: [{key: images/deer/1.jpg, etag: x}]",
            "7:15: labels.deer.delete[0].key: 'images/deer/1.jpg' is a reference as well (line 6): remove one",
        ),
        (
            "delete: [{key: images/deer/9.jpg, etag: x}, {key: images/deer/9.jpg, etag: z}]",
            "7:50: labels.deer.delete[1].key: 'images/deer/9.jpg' is given twice (first on line 7): remove one",
        ),
        (
            "delete: [{key: images/deer/9.jpg, etag: '\"x\"'}]",
            "7:39: labels.deer.delete[0].etag: '\"x\"' is not an ETag: write it without the double quotes",
        ),
        ("accept: [Deer]\n    ignore: [Deer]", "7:14: labels.deer.accept[0]: 'Deer' is ignored as well (line 8)"),
        (
            "accept: [{label: Car, threshold: 90}]\n    exclude: [Car]",
            "7:14: labels.deer.accept[0]: 'Car' is excluded as well (line 8): an excluded label is never evidence",
        ),
        ("accept: [Person]\nexclude: [Person]", "7:14: labels.deer.accept[0]: 'Person' is excluded as well (line 8)"),
        (
            "ignore: [Nature, {label: Nature, threshold: 99}]",
            "7:22: labels.deer.ignore[1]: 'Nature' is given twice (first on line 7): remove one",
        ),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(lines: str, said: str) -> None:
    assert complaint(f"{GOOD}    {lines}\n").startswith(said)


def test_a_rule_with_its_own_exclude_may_accept_what_the_spec_excludes() -> None:
    assert complaints(GOOD + "    accept: [Person]\n    exclude: []\nexclude: [Person]\n") == []


def test_a_reference_of_one_rule_is_not_to_be_deleted_by_another() -> None:
    text = GOOD.replace("images/deer/2.jpg", "fawn/1.jpg") + RULE.format("fawn", "fawn/")
    assert complaint(text + "    delete: [{key: fawn/1.jpg, etag: x}]\n").startswith("10:15: labels.fawn.delete[0].key")


@pytest.mark.parametrize(
    ("lines", "where", "said"),
    [
        ("threshold: 40", "7:1: threshold", "40 is below detector.min_confidence 50 (the default with service rekog"),
        ("    threshold: 49.9", "7:5: labels.deer.threshold", "49.9 is below detector.min_confidence 50"),
        (
            "exclude: [{label: Car, threshold: 9}]",
            "7:24: exclude[0].threshold",
            "9 is below detector.min_confidence 50",
        ),
        ("    accept: [{label: Car, threshold: 9}]", "7:27: labels.deer.accept[0].threshold", "9 is below"),
        ("    ignore: [{label: Car, threshold: 9}]", "7:27: labels.deer.ignore[0].threshold", "9 is below"),
        ("    exclude: [{label: Car, threshold: 9}]", "7:28: labels.deer.exclude[0].threshold", "9 is below"),
        (
            "detector: {min_confidence: 55}\nthreshold: 54",
            "8:1: threshold",
            "54 is below detector.min_confidence 55, and labels under that are never returned: raise this or",
        ),
        (
            "detector: {service: local}\nthreshold: 4",
            "8:1: threshold",
            "4 is below detector.min_confidence 5 (the default with service local)",
        ),
        (
            "detector: {min_confidence: 90}",
            "7:12: detector.min_confidence",
            "90 is above the default threshold of 85: write a 'threshold' too",
        ),
        (
            "detector: {service: local, min_confidence: 20}",
            "7:28: detector.min_confidence",
            "20 is above the default threshold of 10: write a 'threshold' too",
        ),
    ],
)
def test_a_threshold_below_what_is_ever_returned_is_refused(lines: str, where: str, said: str) -> None:
    assert complaint(GOOD + lines + "\n").startswith(f"{where}: {said}")


@pytest.mark.parametrize(
    "lines",
    ["threshold: 50", "detector: {min_confidence: 85}", "    threshold: 95\ndetector: {min_confidence: 90}"],
)
def test_a_threshold_at_what_is_returned_is_fine(lines: str) -> None:
    assert complaints(GOOD + lines + "\n") == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("tps: 50", "7:28: detector.tps: the local detector has no quota to keep to: remove this line"),
        ("convert: true", "7:28: detector.convert: the local detector converts nothing, it reads JPEG and PNG: remove"),
    ],
)
def test_what_only_rekognition_can_do_is_refused_beside_the_local_detector(setting: str, said: str) -> None:
    assert complaint(GOOD + f"detector: {{service: local, {setting}}}\n").startswith(said)
    assert complaints(GOOD + f"detector: {{service: rekognition, {setting}}}\n") == []
    assert complaints(GOOD + "detector: {service: local, convert: false}\n") == []


def test_a_min_confidence_out_of_range_is_told_once() -> None:
    said = "7:12: detector.min_confidence: 150 is more than the maximum of 100"
    assert complaints(GOOD + "detector: {min_confidence: 150}\nthreshold: 90\n") == [said]


def test_all_mistakes_come_out_at_once_in_the_order_of_the_file() -> None:
    text = """\
version: 1
bucket: NO
labels:
  a:
    prefix: /x
    threshold: 850
  b:
    refrences: [x]
exclude: [Person, Person]
"""
    places = ["2:9", "4:3", "5:5", "6:5", "7:3", "8:5", "9:19"]
    assert [":".join(said.split(":")[:2]) for said in complaints(text)] == places


def test_labels_given_twice_in_the_default_exclude_are_told_once() -> None:
    said = "10:19: exclude[1]: 'Person' is given twice (first on line 10): remove one"
    assert complaint(GOOD + RULE.format("x", "x/") + "exclude: [Person, Person]\n") == said


def test_a_value_that_yaml_readers_disagree_on_is_not_complained_about_again() -> None:
    places = [said.split(" ")[0] for said in complaints(GOOD + "exclude: [NO, NO]\nthreshold: 0x5\n")]
    assert places == ["7:11:", "7:15:", "8:12:"]


def test_pins_without_a_key_are_left_to_the_schema() -> None:
    assert complaint(GOOD + "    delete: [{etag: e1}]\n") == "7:14: labels.deer.delete[0]: 'key' is missing"
