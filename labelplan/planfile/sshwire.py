"""How OpenSSH writes keys: the wire format's fields (RFC 4251, section 5), public key lines, fingerprints.

Public keys are "blobs" throughout: the bytes whose base64 stands in a public key line. Knows no cryptography.
"""

from __future__ import annotations

import base64
import hashlib

_PRIVATE_FIRST = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_PRIVATE_LAST = b"-----END OPENSSH PRIVATE KEY-----"
_PRIVATE_MAGIC = b"openssh-key-v1\0"


class Fields:
    """Reads the fields of *data* in turn; every method raises `ValueError` where the data is not such a field."""

    def __init__(self, data: bytes) -> None:
        """Start at the first byte."""
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Read *count* bytes."""
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("SSH data ends too early")
        self._at += count
        return taken

    def number(self) -> int:
        """Read a 32-bit number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Read bytes with their length before them."""
        return self.take(self.number())

    def text(self) -> str:
        """Read a string that is ASCII."""
        return self.string().decode("ascii")

    def integer(self) -> int:
        """Read a positive integer (`mpint`), which has one spelling only."""
        data = self.string()
        value = int.from_bytes(data, "big")
        if pack_integer(value) != pack(data):
            raise ValueError("an SSH integer is not in its shortest form")
        return value

    def end(self) -> None:
        """Insist that nothing is left."""
        if self._at != len(self._data):
            raise ValueError("SSH data goes on too long")


def pack(*strings: bytes) -> bytes:
    """Write strings, each with its length before it."""
    return b"".join(len(data).to_bytes(4, "big") + data for data in strings)


def pack_integer(value: int) -> bytes:
    """Write a positive integer as `mpint`: as short as possible, the highest bit clear."""
    return pack(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def fingerprint(public: bytes) -> str:
    """Return a public key's fingerprint as OpenSSH prints it: `SHA256:…`; the plan's key id."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def key_type(public: bytes) -> str:
    """Return the type that a public key says it has, such as `ssh-ed25519`; raises `ValueError` if it is none."""
    return Fields(public).text()


def public_line(public: bytes) -> str:
    """Return a public key as the line that `.pub` files and signers files hold, without a comment."""
    return f"{key_type(public)} {base64.b64encode(public).decode()}"


def parse_public_line(line: str) -> bytes:
    """Return the key of a public key line, whose comment does not matter; raises `ValueError`."""
    kind, encoded, *_ = [*line.split(), "", ""]
    public = base64.b64decode(encoded, validate=True)
    if not kind or key_type(public) != kind:
        raise ValueError("not a public key as in a .pub file")
    return public


def is_private(data: bytes) -> bool:
    """Tell whether *data* is a private key file as `ssh-keygen` writes it."""
    return data.startswith(_PRIVATE_FIRST)


def parse_private(data: bytes) -> tuple[bytes, bool]:
    """Return the public half of a private key file, and whether a passphrase guards the other (PROTOCOL.key).

    Raises `ValueError` if the file is damaged.
    """
    body = data.strip().removeprefix(_PRIVATE_FIRST).removesuffix(_PRIVATE_LAST)
    fields = Fields(base64.b64decode(b"".join(body.split()), validate=True))
    if fields.take(len(_PRIVATE_MAGIC)) != _PRIVATE_MAGIC:
        raise ValueError("not an OpenSSH private key")
    cipher, _derivation, _its_options = fields.string(), fields.string(), fields.string()
    if fields.number() != 1:
        raise ValueError("it holds several keys")
    return fields.string(), cipher != b"none"
