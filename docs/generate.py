# noqa: INP001 - a script beside the pages that it writes, not a package
"""Writes the pages that must not say anything else than the code: spec.md, exit-codes.md, commands.md.

Run it after changing the schema, an error or a command: `python docs/generate.py`. Tests compare the pages with what
the functions here return.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelplan import errors
from labelplan.cli import main
from labelplan.specfile.schema import schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent / "spec.md"
EXIT_CODES = Path(__file__).parent / "exit-codes.md"
COMMANDS = Path(__file__).parent / "commands.md"

_HEAD = """\
<!-- Written by docs/generate.py from labelplan/schemas/spec.schema.json. Change that. -->

# The spec

{description}

```yaml
{example}```

More, with comments: [minimal](../examples/minimal.yaml), [classic](../examples/classic.yaml),
[every setting](../examples/deer.yaml), [copies as the way back](../examples/copies.yaml),
[local model](../examples/local.yaml).

`labelplan validate SPEC` checks a spec without the network and lists every mistake as `FILE:LINE:COLUMN: what to do`.
With `# yaml-language-server: $schema=./spec.schema.json` as its first line and the output of `labelplan schema spec` in
that file, an editor completes and checks it while you write.

The file is YAML in UTF-8, at most 1 MiB, read so that every YAML reader would read the same: no anchors, aliases, tags
or merge keys, no key twice, and unquoted words that mean different things to different readers (`NO`, `on`, `0777`,
`12:30`, `1_000`, `2024-01-31`) are refused until they are quoted.

In a label rule, single values replace the spec's defaults, lists replace lists as a whole, and guards are merged field
by field.
"""

_NAMES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "`true` or `false`",
    "array": "list",
    "object": "mapping",
}


def spec_page() -> str:
    """Return the page."""
    schema = json.loads(schema_text())
    example = (PAGE.parent.parent / "examples" / "minimal.yaml").read_text(encoding="utf-8")
    body = example[example.index("version:") :]
    sections = [
        _HEAD.format(description=schema["description"], example=body),
        "## Top level\n",
        *_table(schema, schema),
        *_nested(schema, schema),
    ]
    return "\n".join(sections)


def _nested(part: dict[str, Any], schema: dict[str, Any], above: str = "") -> Iterator[str]:
    """Yield a section for everything inside *part* that has settings of its own."""
    for name, setting in _settings(part, schema):
        inner, way = setting, f"{above}{name}"
        if isinstance(setting.get("additionalProperties"), dict):
            inner, way = _resolved(setting["additionalProperties"], schema), f"{way}.NAME"
        elif "items" in setting:
            inner, way = _resolved(setting["items"], schema), f"{way}[]"
        if "properties" in inner and not (above and "$ref" in part["properties"][name]):
            yield f"\n## `{way}`\n"
            if inner is not setting and "description" in inner:
                yield f"{inner['description']}\n"
            yield from _table(inner, schema)
            yield from _nested(inner, schema, f"{way}.")


def _table(part: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    required = part.get("required", ())
    for name, setting in _settings(part, schema):
        default = "required" if name in required else _code(setting["default"]) if "default" in setting else ""
        example = f" Example: {_code(setting['examples'][0])}"
        meaning = f"**{setting['title']}.** {setting['description']}{example}"
        yield f"| `{name}` | {_values(setting)} | {default} | {meaning} |"


def _settings(part: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, _resolved(setting, schema)) for name, setting in part["properties"].items())


def _resolved(setting: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Join a setting with the definition that it refers to; its own words win."""
    if "$ref" not in setting:
        return setting
    definition = _resolved(schema["$defs"][setting["$ref"].rpartition("/")[2]], schema)
    return {**definition, **setting}


def _values(setting: dict[str, Any]) -> str:
    """Say what a setting may be: its type with the limits, or the words to choose from."""
    if "const" in setting:
        return _code(setting["const"])
    if "enum" in setting:
        return " or ".join(map(_code, setting["enum"]))
    named = setting["type"] if isinstance(setting["type"], list) else [setting["type"]]
    return " or ".join(_NAMES[one] for one in named) + _limits(setting)


def _limits(setting: dict[str, Any]) -> str:
    low, high = setting.get("minimum"), setting.get("maximum")
    if "exclusiveMinimum" in setting:
        return f", more than {setting['exclusiveMinimum']}, to {high:,}"
    if "exclusiveMaximum" in setting:
        return f", {low} to less than {setting['exclusiveMaximum']}"
    return "" if high is None else f", {low:,} to {high:,}"


def _code(value: object) -> str:
    bare = isinstance(value, str) and not value.isdecimal()
    return f"`{value}`" if bare else f"`{json.dumps(value, ensure_ascii=False)}`"


_EXIT_HEAD = """\
<!-- Written by docs/generate.py from labelplan/errors.py. Change that. -->

# Exit codes

Every error says what happened, where, and what to do next, on stderr; with `--json` also as an object on stdout:
`{"error": {"kind", "exit_code", "message", "hint"}}`.

`plan --json` prints a stream: one event a line, each with a `type`. The first is always
`{"type": "version", "events", "labelplan"}`. The last tells how it ended: `{"type": "planned", …}` (with `--estimate`:
`estimated`), `{"type": "error", "error": {…}}` with an error as above, or after Ctrl-C
`{"type": "interrupted", "exit_code", "message"}`. Without one of these the process was ended from outside, or by a
second Ctrl-C.

| code | kind | what happened |
|---|---|---|
"""

_NO_ERROR = [
    (0, "", "Done."),
    (2, "", "Done, and the plan would delete something (`plan --detailed-exitcode` only)."),
    (3, "", "Done in part: some objects were skipped, left or failed; each is named."),
    (130, "", "Interrupted by Ctrl-C. The same command goes on where it stopped; what `plan` paid for is kept."),
]


def exit_codes_page() -> str:
    """Return the page."""
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.LabelplanError)]
    raised = [kind for kind in kinds if not kind.__subclasses__() or kind is errors.UsageError]
    told = [(kind.exit_code, f"`{kind.__name__}`", " ".join((kind.__doc__ or "").split())) for kind in raised]
    rows = [f"| {code} | {kind} | {what} |" for code, kind, what in sorted([*told, *_NO_ERROR])]
    return _EXIT_HEAD + "\n".join(rows) + "\n"


def commands_page() -> str:
    """Return the page: the help of every command, as it is printed in 100 columns."""
    head = "<!-- Written by docs/generate.py from the commands' own help. Change that. -->\n\n# Commands\n\n"
    with_help = [["--help"]] + [[name, "--help"] for name in main.COMMANDS]
    with_help += [
        ["cache", "prune", "--help"],
        ["cache", "stats", "--help"],
        ["key", "generate", "--help"],
        ["key", "show", "--help"],
        ["schema", "spec", "--help"],
    ]
    return head + "\n".join(
        f"## {' '.join(['labelplan', *args[:-1]])}\n\n```\n{_help(args)}```\n" for args in sorted(with_help)
    )


def _help(args: list[str]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        os.environ["COLUMNS"] = "80"
        main.run(args)
    text = printed.getvalue().replace("{", "").replace("}", "")  # newer typer puts arguments into braces
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


if __name__ == "__main__":
    COMMANDS.write_text(commands_page(), encoding="utf-8")
    EXIT_CODES.write_text(exit_codes_page(), encoding="utf-8")
    PAGE.write_text(spec_page(), encoding="utf-8")
