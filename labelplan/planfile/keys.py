"""The key that signs: found, unlocked before anything is paid, and used, in process or through `ssh-keygen`.

Private keys in OpenSSH's format are used in process. Keys that only an agent or a FIDO2 token holds (a `.pub` file, an
`sk-` key) sign through OpenSSH's own program. Passphrases never leave this module, errors included.
"""

from __future__ import annotations

import getpass
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from labelplan.errors import BadSignature, KeyUnusable
from labelplan.planfile import sshsig
from labelplan.planfile.sshkeys import SECURITY_KEY, check_public
from labelplan.planfile.sshwire import fingerprint, is_private, key_type, parse_private, parse_public_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from labelplan.model.plan import Signature
    from labelplan.planfile.sshkeys import PrivateKey

KEY_VARIABLE = "LABELPLAN_KEY"
PASSPHRASE_VARIABLE = "LABELPLAN_KEY_PASSPHRASE"  # noqa: S105 - a variable's name

MAX_PASSPHRASE = 1023
"""Bytes; what `cryptography` takes for a new key."""

_PROBE = b"labelplan asks whether this key can sign; this signature stands under nothing"


class Signer(Protocol):
    """Who signs plans. *keyid*: the key's OpenSSH fingerprint; *public*: the public key's blob."""

    keyid: str
    public: bytes

    def unlock(self) -> None:
        """Make sure that `sign` will work, asking for what it takes; raises `KeyUnusable`."""

    def sign(self, message: bytes) -> Signature:
        """Sign *message*; raises `KeyUnusable`."""


class FileSigner:
    """Signs in process with the private key *data* of the file *path*; *passphrase* is called if it is encrypted."""

    def __init__(self, path: Path, data: bytes, passphrase: Callable[[], bytes]) -> None:
        """Read the public half; nothing is decrypted yet."""
        self.path = path
        self.public, _ = parse_private(data)
        self.keyid = fingerprint(self.public)
        self._data = data
        self._passphrase = passphrase
        self._key: PrivateKey | None = None

    def unlock(self) -> None:
        """Decrypt the key, once."""
        self._unlocked()

    def sign(self, message: bytes) -> Signature:
        """Sign in process."""
        return sshsig.sign(self._unlocked(), self.public, message)

    def _unlocked(self) -> PrivateKey:
        if self._key is None:
            self._key = _load_private(self.path, self._data, self.public, self._passphrase)
        return self._key


class ProgramSigner:
    """Signs through `ssh-keygen -Y sign`: the agent, a FIDO2 token, or whatever else OpenSSH finds for *path*."""

    def __init__(self, path: Path, public: bytes) -> None:
        """Name the key file, private or public."""
        self.path = path
        self.public = public
        self.keyid = fingerprint(public)

    def unlock(self) -> None:
        """Sign something that is no plan: the only way to know that the agent holds the key, or the token is there."""
        self.sign(_PROBE)

    def sign(self, message: bytes) -> Signature:
        """Run `ssh-keygen`, whose questions go to the terminal, and check what it made."""
        signature = self._ask_program(message)
        if not signature:
            raise KeyUnusable(
                f"ssh-keygen could not sign with {self.path}.",
                hint="Add the key to the agent (ssh-add -l lists what it holds), or plug the security key in.",
            )
        return signature

    def _ask_program(self, message: bytes) -> Signature | None:
        command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.path), "-n", sshsig.NAMESPACE]
        try:
            done = subprocess.run(command, input=message, stdout=subprocess.PIPE, check=False)  # noqa: S603 - no shell
            signature = sshsig.wrap(sshsig.dearmor(done.stdout))
            return signature if sshsig.check(signature, message) == self.public else None
        except FileNotFoundError:
            raise KeyUnusable(
                f"{self.path} signs through OpenSSH's ssh-keygen, which is not installed.",
                hint="Install OpenSSH's client, or make a key of your own: labelplan key generate",
            ) from None
        except (ValueError, BadSignature):
            return None


def key_path(explicit: str | None, environ: Mapping[str, str]) -> Path:
    """Return where the key is: *explicit*, else `LABELPLAN_KEY`, else `labelplan/key` in the user's configuration."""
    if named := explicit or environ.get(KEY_VARIABLE):
        return Path(named).expanduser()
    config = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / "labelplan" / "key"


def find_signer(explicit: str | None, environ: Mapping[str, str]) -> Signer:
    """Find one's own key (`key_path`).

    Raises `KeyUnusable` if there is none, it cannot be a signing key, or others may read it and need no passphrase.
    """
    path = key_path(explicit, environ)
    try:
        data = path.read_bytes()
        public = parse_private(data)[0] if is_private(data) else parse_public_line(data.decode())
        check_public(public)
    except OSError as error:
        raise KeyUnusable(
            f"Cannot read the signing key {path}: {error.strerror}.",
            hint="Make one with: labelplan key generate; or use your own: --key ~/.ssh/id_ed25519",
        ) from None
    except ValueError as error:
        raise KeyUnusable(
            f"{path} is not a key that can sign plans: {error}.",
            hint="It takes an OpenSSH key: ed25519, ecdsa, rsa (2048 bits); ssh-keygen -p -f KEY converts old files.",
        ) from None
    if is_private(data) and not key_type(public).startswith(SECURITY_KEY):
        _check_private(path, data)
        return FileSigner(path, data, lambda: _passphrase(path, environ))
    return ProgramSigner(path, public)


def generate_key(path: Path, passphrase: bytes | None = None) -> bytes:
    """Make an Ed25519 key in OpenSSH's format at *path*, encrypted if there is a *passphrase*; return its public half.

    Never overwrites: raises `KeyUnusable` if the file is there, or cannot be written, or the passphrase is too long.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - slow, and `verify` does without
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

    if os.path.lexists(path):
        raise KeyUnusable(
            f"There is something at {path} already; it was left alone.",
            hint="Show it with: labelplan key show; make another key with: labelplan key generate --key PATH",
        )
    if passphrase and len(passphrase) > MAX_PASSPHRASE:
        raise KeyUnusable(f"A passphrase has at most {MAX_PASSPHRASE:,} bytes; no key was made.")
    key = Ed25519PrivateKey.generate()
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    data = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "xb", opener=_open_private) as file:
            file.write(data)
    except OSError as error:
        raise KeyUnusable(f"Cannot write the key {path}: {error.strerror}.", hint="Name another place: --key") from None
    return parse_private(data)[0]


def passphrase_bytes(given: str) -> bytes:
    """Return a passphrase as keys take it; raises `KeyUnusable` if what was given is no text."""
    try:
        return given.encode()
    except UnicodeEncodeError:  # its message would hold the passphrase
        raise KeyUnusable(
            "The passphrase is not UTF-8.", hint=f"Check {PASSPHRASE_VARIABLE} and the terminal's encoding."
        ) from None


def _check_private(path: Path, data: bytes) -> None:
    """Refuse what `ssh` refuses: a key without a passphrase that others may read, and so sign with."""
    if not parse_private(data)[1] and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        raise KeyUnusable(
            f"Others may read the signing key {path}, which has no passphrase.", hint=f"Run: chmod 600 {path}"
        )


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _load_private(path: Path, data: bytes, public: bytes, passphrase: Callable[[], bytes]) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only to sign
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only to sign

    password = passphrase() if parse_private(data)[1] else None
    if password == b"":
        raise KeyUnusable(
            f"The signing key {path} has a passphrase, and an empty one was given.",
            hint=f"Check {PASSPHRASE_VARIABLE}.",
        )
    try:
        key = serialization.load_ssh_private_key(data, password)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable(
            f"The signing key {path} cannot be unlocked: the passphrase is wrong, or the file is damaged.",
            hint=f"Try again; ssh-keygen -y -f {path} tells which of the two it is.",
        ) from None
    half = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    if parse_public_line(half.decode()) != public:
        raise KeyUnusable(f"The signing key {path} is damaged: its two halves differ.")
    return cast("PrivateKey", key)  # find_signer has refused the other types


def _passphrase(path: Path, environ: Mapping[str, str]) -> bytes:
    if PASSPHRASE_VARIABLE in environ:
        return passphrase_bytes(environ[PASSPHRASE_VARIABLE])
    if not sys.stdin.isatty():
        raise KeyUnusable(
            f"The signing key {path} needs its passphrase, and there is no terminal to ask for it.",
            hint=f"Set {PASSPHRASE_VARIABLE}, or sign through ssh-agent: --key {path}.pub",
        )
    return passphrase_bytes(getpass.getpass(f"Passphrase of {path}: "))
