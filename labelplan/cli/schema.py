"""`labelplan schema`: print the JSON Schema of a format, for editors and other programs."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from labelplan.cli.output import JsonOption, make_app, result

app = make_app("Print the JSON Schema of a format")


class Format(Enum):
    """The formats that have a JSON Schema."""

    SPEC = "spec"


@app.command()
def schema(
    _format: Annotated[Format, typer.Argument(metavar="FORMAT", help="Which format: spec.", show_default=False)],
    *,
    _as_json: JsonOption = False,
) -> None:
    """Print the JSON Schema (draft 2020-12) of a format.

    \b
    Examples:
      labelplan schema spec > spec.schema.json
    An editor with a YAML language server completes and checks a spec whose first line is
      # yaml-language-server: $schema=./spec.schema.json
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from labelplan.specfile.schema import schema_text  # noqa: PLC0415 - the help needs no schema

    result(schema_text().rstrip("\n"))
