"""`labelplan key generate` and `labelplan key show`."""

from __future__ import annotations

import getpass
import json
import os
import sys
from typing import Annotated

import typer

from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, KeyOption, make_app, result, talk
from labelplan.errors import UsageError

app = make_app(COMMANDS["key"], example="Example: labelplan key generate")


@app.command(epilog="Example: labelplan key generate --passphrase")
def generate(
    *,
    key: KeyOption = None,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Ask for a passphrase, or take LABELPLAN_KEY_PASSPHRASE.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an Ed25519 key in OpenSSH's format, for you alone to read; never replaces one."""
    from labelplan.planfile.keys import generate_key, key_path  # noqa: PLC0415 - help must not wait for it

    path = key_path(key, os.environ)
    public = generate_key(path, _new_passphrase() if passphrase else None)
    talk("Made a signing key.")
    _show(str(path), public, as_json=as_json)


@app.command(epilog="Example: labelplan key show --key ~/.ssh/id_ed25519.pub")
def show(*, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Show which key signs your plans: its public half, fingerprint and place, and what goes into signers.yaml."""
    from labelplan.planfile.keys import find_signer, key_path  # noqa: PLC0415 - help must not wait for it

    _show(str(key_path(key, os.environ)), find_signer(key, os.environ).public, as_json=as_json)


def _show(path: str, public: bytes, *, as_json: bool) -> None:
    from labelplan.planfile.sshwire import fingerprint, public_line  # noqa: PLC0415 - help must not wait for it

    keyid, line = fingerprint(public), public_line(public)
    if as_json:
        result(json.dumps({"path": path, "keyid": keyid, "public_key": line}, ensure_ascii=False))
        return
    result(f"Key:         {path}\nFingerprint: {keyid}\nPublic key:  {line}\n")
    result("In .labelplan/signers.yaml, under people:\n")
    result(f'  YOUR-NAME: {{keys: ["{line}"], roles: [plan, approve]}}')


def _new_passphrase() -> bytes:
    from labelplan.planfile.keys import PASSPHRASE_VARIABLE, passphrase_bytes  # noqa: PLC0415 - help must not wait

    if PASSPHRASE_VARIABLE in os.environ:
        given = os.environ[PASSPHRASE_VARIABLE]
    elif sys.stdin.isatty():
        given = getpass.getpass("New passphrase: ")
        if getpass.getpass("Again: ") != given:
            raise UsageError("The two passphrases differ; no key was made.")
    else:
        raise UsageError(f"There is no terminal to ask for a passphrase; set {PASSPHRASE_VARIABLE}.")
    if not given:
        raise UsageError("The passphrase is empty; no key was made.", hint="Leave --passphrase away to have none.")
    return passphrase_bytes(given)
