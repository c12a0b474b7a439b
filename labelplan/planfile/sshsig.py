"""SSHSIG: signatures by people's SSH keys (OpenSSH, PROTOCOL.sshsig), which `ssh-keygen -Y verify` checks as well.

Made and checked in process; only the agent and security keys need the `ssh-keygen` program (`keys.py`). Who a key
belongs to is none of its business: that is `trust.py`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from labelplan.errors import BadSignature
from labelplan.model.plan import Signature
from labelplan.planfile import sshkeys
from labelplan.planfile.sshwire import Fields, fingerprint, pack

if TYPE_CHECKING:
    from labelplan.planfile.sshkeys import PrivateKey

NAMESPACE = "labelplan.plan.v1"
"""Keeps a signature made for something else, such as a git commit, from standing under a plan."""

_BEGINNING = b"SSHSIG" + (1).to_bytes(4, "big")
_FIRST_LINE = b"-----BEGIN SSH SIGNATURE-----"
_LAST_LINE = b"-----END SSH SIGNATURE-----"


def check(signature: Signature, message: bytes) -> bytes:
    """Return the public key that signed *message*; raises `BadSignature` if it did not, or not in this one spelling."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only to check

    try:
        raw = base64.b64decode(signature.sig, validate=True)
        public, digest, made = _parse(raw)
        if wrap(raw) != signature:
            raise ValueError("key id or spelling are not those of the signature inside")  # noqa: TRY301 - one case of three
        sshkeys.verify(public, made, _covered(digest, message))
    except ValueError as error:
        raise BadSignature(f"The signature of {signature.keyid} is damaged: {error}.") from None
    except InvalidSignature:
        raise BadSignature(f"The signature of {signature.keyid} does not match the plan.") from None
    return public


def sign(key: PrivateKey, public: bytes, message: bytes) -> Signature:
    """Sign *message* with a private key whose public half is *public*."""
    made = sshkeys.sign(key, _covered("sha512", message))
    return wrap(_BEGINNING + pack(public, NAMESPACE.encode(), b"", b"sha512", made))


def wrap(raw: bytes) -> Signature:
    """Make a plan's signature of a binary SSHSIG; raises `ValueError` if it is none, or not one for plans."""
    public, _, _ = _parse(raw)
    return Signature(keyid=fingerprint(public), scheme="sshsig", sig=base64.b64encode(raw).decode())


def dearmor(text: bytes) -> bytes:
    """Return the binary form of what `ssh-keygen -Y sign` prints; raises `ValueError` if it is something else."""
    body = text.strip().removeprefix(_FIRST_LINE).removesuffix(_LAST_LINE)
    return base64.b64decode(b"".join(body.split()), validate=True)


def _parse(raw: bytes) -> tuple[bytes, str, bytes]:
    """Return a binary SSHSIG's public key, the name of its digest, and the signature in it."""
    fields = Fields(raw)
    if fields.take(len(_BEGINNING)) != _BEGINNING:
        raise ValueError("it is no SSH signature of version 1")
    public, namespace, reserved, digest, made = (fields.string() for _ in range(5))
    fields.end()
    if namespace != NAMESPACE.encode() or reserved:
        raise ValueError("it was made for something else than a plan")
    if digest not in {b"sha256", b"sha512"}:
        raise ValueError("its digest is neither sha256 nor sha512")
    return public, digest.decode(), made


def _covered(digest: str, message: bytes) -> bytes:
    return b"SSHSIG" + pack(NAMESPACE.encode(), b"", digest.encode(), hashlib.new(digest, message).digest())
