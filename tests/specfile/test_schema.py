from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from labelplan.specfile import schema as schema_module
from labelplan.specfile.schema import schema_text, shown
from tests.specfile.making import GOOD, complaint, complaints

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA: dict[str, Any] = json.loads(schema_text())
MAPPING = "a mapping (indented 'key: value' lines)"


def parts(node: Any, way: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk every schema inside the schema, `$ref`s resolved at their place."""
    for name, child in node.items() if isinstance(node, dict) else ():
        if name in {"properties", "$defs"}:
            for key, part in child.items():
                yield f"{way}/{name}/{key}", part
                yield from parts(part, f"{way}/{name}/{key}")
        elif name in {"items", "additionalProperties", "propertyNames"}:
            yield from parts(child, f"{way}/{name}")


def properties() -> list[tuple[str, dict[str, Any]]]:
    resolved = [
        (way, part | SCHEMA["$defs"].get(part.get("$ref", "").rpartition("/")[2], {}) | part)
        for way, part in parts(SCHEMA)
    ]
    return [(way, part) for way, part in resolved if "/properties/" in way]


def test_the_schema_is_a_valid_one_of_its_draft() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(("way", "part"), properties(), ids=[way for way, _ in properties()])
def test_every_property_teaches_title_description_and_examples_that_hold(way: str, part: dict[str, Any]) -> None:
    assert part["title"]
    assert part["description"].endswith(".")
    validator = Draft202012Validator({**part, "$defs": SCHEMA["$defs"]})
    for example in (*part["examples"], *([part["default"]] if "default" in part else [])):
        assert list(validator.iter_errors(example)) == [], (way, example)


def test_every_keyword_that_can_fail_has_its_message() -> None:
    notes = {"$ref", "$schema", "$id", "$defs", "title", "description", "default", "examples", "patternErrorMessage"}
    nested = {"properties", "items", "errorMessage"}
    special = {"propertyNames", "additionalProperties", "required", "uniqueItems"}
    used = set(SCHEMA).union(
        *(part for _, part in parts(SCHEMA)), *(p["items"] for _, p in parts(SCHEMA) if "items" in p)
    )
    assert used - notes - nested - special == set(schema_module._MESSAGES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "    threshold: 850\n", "7:5: labels.deer.threshold: 850 is more than the maximum of 100"),
        (
            GOOD + "threshold: 100\n",
            "7:1: threshold: 100 lets nothing count, as no confidence is more than 100: write less",
        ),
        (GOOD + "threshold: -1\n", "7:1: threshold: -1 is less than the minimum of 0"),
        (GOOD + 'threshold: "90"\n', "7:1: threshold: expected a number, got text ('90'): write 90 without quotes"),
        (GOOD + "threshold: 90%\n", "7:1: threshold: expected a number, got text ('90%'): write 90 without quotes"),
        (GOOD + "threshold: high\n", "7:1: threshold: expected a number, got text ('high')"),
        (GOOD + "threshold: true\n", "7:1: threshold: expected a number, got true"),
        (GOOD + "threshold:\n", "7:1: threshold: has no value; expected a number"),
        (GOOD + "evidence:\n", "7:1: evidence: has no value; expected any or specific"),
        (GOOD + "evidence: specfic\n", "7:1: evidence: 'specfic' is not any or specific; did you mean 'specific'?"),
        (GOOD + "evidence: 3\n", "7:1: evidence: 3 is not any or specific"),
        (GOOD + "detector: {max_labels: 0}\n", "7:12: detector.max_labels: 0 is less than the minimum of 1"),
        (GOOD + "detector: {max_labels: 1001}\n", "7:12: detector.max_labels: 1001 is more than the maximum of 1000"),
        (
            GOOD + "detector: {max_labels: 9.5}\n",
            "7:12: detector.max_labels: expected a whole number, got the number 9.5",
        ),
        (GOOD + "detector: {tps: 0}\n", "7:12: detector.tps: 0 is not more than 0"),
        (GOOD + "detector: {tps: 10001}\n", "7:12: detector.tps: 10001 is more than the maximum of 10000"),
        (
            GOOD + "detector: {convert: maybe}\n",
            "7:12: detector.convert: expected true or false, got text ('maybe')",
        ),
        (
            GOOD + "request_payer: owner\n",
            "7:1: request_payer: 'owner' is not requester; write requester, or leave it out: then the bucket's owner",
        ),
        (
            GOOD + "account: 123456789012\n",
            '7:1: account: expected text, got the number 123456789012: write "123456789012" in quotes if you',
        ),
        (
            GOOD + 'account: "1234"\n',
            "7:1: account: '1234' is not an account id: exactly 12 digits, in quotes",
        ),
        (GOOD + "protect: a/*\n", "7:1: protect: expected a list, got text ('a/*'): write [\"a/*\"]"),
        (GOOD + f"protect: {'a' * 99}\n", f"7:1: protect: expected a list, got text ('{'a' * 59}…)"),
        (
            GOOD + "protect:\n  -a/*\n",
            "7:1: protect: expected a list, got text ('-a/*'): each item of a list begins with '-' and a space",
        ),
        (GOOD + "protect: ['']\n", "7:11: protect[0]: is empty: write a text, or remove it"),
        (GOOD + "protect: [a, b, a]\n", "7:17: protect[2]: 'a' is given twice (first on line 7): remove one"),
        (
            GOOD + f"protect: [{'a' * 1025}]\n",
            "7:11: protect[0]: has 1,025 characters, more than the maximum of 1,024",
        ),
        (
            GOOD + f"protect: [{', '.join(f'a{number}' for number in range(1001))}]\n",
            "7:1: protect: has 1,001 items, more than the maximum of 1,000",
        ),
        (GOOD + "exclude: [' Person']\n", "7:11: exclude[0]: ' Person' begins or ends with a space"),
        (GOOD + "exclude: ['']\n", "7:11: exclude[0]: is empty: write a text, or remove it"),
        (GOOD + "exclude: [1984]\n", f"7:11: exclude[0]: expected text or {MAPPING}, got the number 1984: write"),
        (GOOD + "exclude: [{threshold: 60}]\n", "7:11: exclude[0]: 'label' is missing"),
        (GOOD + "exclude: [{lable: Car}]\n", "7:12: exclude[0].lable: unknown key 'lable'; did you mean 'label'?"),
        (GOOD + "budget: {}\n", "7:1: budget: is empty: give either max_calls or max_usd, one of the two"),
        (
            GOOD + "budget: {max_calls: 1, max_usd: 1}\n",
            "7:1: budget: give either max_calls or max_usd, one of the two",
        ),
        (GOOD + "budget: {calls: 1}\n", "7:10: budget.calls: unknown key 'calls'; did you mean 'max_calls'?"),
        (
            GOOD + "budget: {eur: 1}\n",
            "7:10: budget.eur: unknown key 'eur'; give either max_calls or max_usd, one of the two",
        ),
        (
            GOOD + "backup: {mode: copies}\n",
            "7:10: backup.mode: 'copies' is not versioning or copy; did you mean 'copy'?",
        ),
        (
            GOOD + "backup: {mode: copy, zone: labelplan/}\n",
            "7:22: backup.zone: unknown key 'zone'; known here: mode, bucket, prefix, region, account, keep_days",
        ),
        (
            GOOD + "backup: {mode: copy, bucket: s3://b}\n",
            "7:22: backup.bucket: 's3://b' is not a bucket name: 3 to 63 of",
        ),
        (
            GOOD + 'backup: {mode: copy, account: "12"}\n',
            "7:22: backup.account: '12' is not an account id: exactly 12 digits, in quotes",
        ),
        (
            GOOD + "backup: {mode: copy, region: Virginia}\n",
            "7:22: backup.region: 'Virginia' is not a region's name, such as us-east-1",
        ),
        (GOOD + "backup: {keep_days: -1}\n", "7:10: backup.keep_days: -1 is less than the minimum of 0"),
        (GOOD + "backup: {keep_days: 36501}\n", "7:10: backup.keep_days: 36501 is more than the maximum of 36500"),
        (GOOD + "keep_days: 9\n", "7:1: keep_days: unknown key 'keep_days'; it belongs under 'backup:'"),
        (GOOD + "max_labels: 9\n", "7:1: max_labels: unknown key 'max_labels'; it belongs under 'detector:'"),
        (
            GOOD + "    min_keep: 9\n",
            "7:5: labels.deer.min_keep: unknown key 'min_keep'; it belongs under 'guards:'",
        ),
        (
            GOOD + "    protect: [x]\n",
            "7:5: labels.deer.protect: unknown key 'protect'; it belongs at the top of the spec, not indented",
        ),
        (
            GOOD + "password: x\n",
            "7:1: password: unknown key 'password'; known here: version, bucket, account, region,",
        ),
        (GOOD + "prefix: x/\n", "7:1: prefix: unknown key 'prefix'; it belongs inside a label rule"),
        (GOOD + "Max-Labels: 9\n", "7:1: Max-Labels: unknown key 'Max-Labels'; it belongs under 'detector:'"),
        (GOOD.replace("bucket", "Bucket"), "2:1: Bucket: unknown key 'Bucket'; did you mean 'bucket'?"),
        (GOOD.replace("references", "refrences"), "6:5: labels.deer.refrences: unknown key 'refrences'; did you mean"),
        (GOOD.replace("    prefix: images/deer/\n", ""), "4:3: labels.deer: 'prefix' is missing"),
        (GOOD.replace("version: 1\n", ""), "1:1: 'version' is missing"),
        (GOOD.replace("version: 1", "version: 2"), "1:1: version: must be 1, not 2"),
        (GOOD.replace("wildlife", "s3://wildlife"), "2:1: bucket: 's3://wildlife' is not a bucket name: 3 to 63 of"),
        (GOOD.replace("wildlife", '"wildlife\\n"'), "2:1: bucket: 'wildlife\\n' is not a bucket name"),
        (GOOD.replace("wildlife", "Wild_Life"), "2:1: bucket: 'Wild_Life' is not a bucket name"),
        (GOOD.replace("wildlife", "NO"), "2:9: bucket: NO is true or false to some YAML readers"),
        (GOOD.replace("deer:", "Rehgehörn:"), "4:3: labels.Rehgehörn: 'Rehgehörn' is not a label rule's name"),
        (GOOD.replace("deer:", "white tail:"), "4:3: labels[\"white tail\"]: 'white tail' is not a label rule's name"),
        (GOOD.partition("labels")[0] + "labels:\n", f"3:1: labels: has no value; expected {MAPPING}"),
        (GOOD.partition("labels")[0] + "labels: {}\n", "3:1: labels: is empty: write at least one entry"),
        (GOOD.partition("labels")[0] + "labels: [a]\n", f"3:1: labels: expected {MAPPING}, got a list"),
        (GOOD.partition("labels")[0] + "labels:\n  deer:\n", f"4:3: labels.deer: has no value; expected {MAPPING}"),
        ("just text\n", f"1:1: expected {MAPPING}, got text ('just text')"),
    ],
)
def test_what_the_schema_does_not_allow_is_said_in_plain_words_at_its_place(text: str, said: str) -> None:
    assert complaint(text).startswith(said)


def test_rules_written_without_indentation_are_recognised() -> None:
    text = GOOD.replace("    prefix", "  prefix").replace("    references", "  references")
    assert complaints(text) == [
        f"4:3: labels.deer: has no value; expected {MAPPING}",
        "5:3: labels.prefix: expected a label rule, got text ('images/deer/'): is this line indented too little?",
        "6:3: labels.references: expected a label rule, got a list: is this line indented too little?",
    ]


def test_an_unknown_key_never_shows_its_value() -> None:
    assert "SECRET" not in complaint(GOOD + "aws_secret_access_key: SECRET\n")


def test_a_long_value_is_cut() -> None:
    assert shown("a" * 58) == repr("a" * 58)
    assert shown("a" * 59) == "'" + "a" * 59 + "…"
