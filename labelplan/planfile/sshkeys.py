"""What SSH keys can do: check and make bare signatures, one function a family (ed25519, ecdsa, rsa; FIDO2 to check).

Rules of RFC 4253, 5656 and 8332 and of OpenSSH's PROTOCOL.u2f. The frame around a signature is `sshsig.py`'s.
`cryptography` is imported family by family: all of it would double the start-up of `verify`.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from labelplan.planfile.sshwire import Fields, pack, pack_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
    # takes the bare signature, its algorithm and the message; raises ValueError or InvalidSignature
    Check = Callable[[bytes, str, bytes], None]

SECURITY_KEY = "sk-"
"""What the types of FIDO2 keys begin with."""

MIN_RSA_BITS = 2048

_USER_PRESENT = 1


def check_public(public: bytes) -> None:
    """Raise `ValueError` unless this is a public key whose signatures can be checked."""
    _read(public)


def verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Check a signature in SSH's wire format; raises `ValueError` if malformed, `InvalidSignature` if it is wrong."""
    kind, check, application = _read(public)
    fields = Fields(signature)
    algorithm, bare = fields.text(), fields.string()
    if kind.startswith(SECURITY_KEY):
        message = _attested(application, fields, message)
    fields.end()
    check(bare, algorithm, message)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign *message*; return the signature in SSH's wire format."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415 - only to sign

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return pack(b"ssh-ed25519", key.sign(message))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _sign_ecdsa(key, message)
    return _sign_rsa(key, message)


def _read(public: bytes) -> tuple[str, Check, bytes]:
    """Return a public key's type, its check, and the FIDO2 application that it is for (else empty)."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only to check

    fields = Fields(public)
    kind = fields.text()
    family = _FAMILIES.get(kind)
    if family is None:
        raise ValueError(f"keys of type {kind!r} are not supported")
    try:
        check = family(kind, fields)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    application = fields.string() if kind.startswith(SECURITY_KEY) else b""
    fields.end()
    return kind, check, application


def _attested(application: bytes, fields: Fields, message: bytes) -> bytes:
    """Return what a FIDO2 key really signs, if somebody touched it."""
    flags, counter = fields.take(1), fields.take(4)
    if not flags[0] & _USER_PRESENT:
        raise ValueError("nobody touched the security key")
    return hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(message).digest()


def _same(algorithm: str, kind: str) -> None:
    if algorithm != kind:
        raise ValueError(f"a key of type {kind} does not make signatures of type {algorithm!r}")


def _ed25519(kind: str, key: Fields) -> Check:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - only this family

    public = Ed25519PublicKey.from_public_bytes(key.string())

    def check(signature: bytes, algorithm: str, message: bytes) -> None:
        _same(algorithm, kind)
        public.verify(signature, message)

    return check


def _ecdsa(curve_name: str, kind: str, key: Fields) -> Check:
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415 - only this family

    if key.text() != curve_name:
        raise ValueError("the key's type and curve differ")
    curves: dict[str, ec.EllipticCurve] = {
        "nistp256": ec.SECP256R1(),
        "nistp384": ec.SECP384R1(),
        "nistp521": ec.SECP521R1(),
    }
    public = ec.EllipticCurvePublicKey.from_encoded_point(curves[curve_name], key.string())

    def check(signature: bytes, algorithm: str, message: bytes) -> None:
        _same(algorithm, kind)
        pair = Fields(signature)
        encoded = utils.encode_dss_signature(pair.integer(), pair.integer())
        pair.end()
        public.verify(encoded, message, _ecdsa_with(public.curve.key_size))

    return check


def _rsa(_: str, key: Fields) -> Check:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only this family
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415 - only this family

    exponent, modulus = key.integer(), key.integer()
    if modulus.bit_length() < MIN_RSA_BITS:
        raise ValueError(f"RSA keys need {MIN_RSA_BITS} bits, this one has {modulus.bit_length()}")
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    digests = {"rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()}

    def check(signature: bytes, algorithm: str, message: bytes) -> None:
        if algorithm not in digests:
            raise ValueError(f"RSA signatures of type {algorithm!r} are not supported")
        public.verify(signature, message, padding.PKCS1v15(), digests[algorithm])

    return check


_FAMILIES: dict[str, Callable[[str, Fields], Check]] = {
    "ssh-ed25519": _ed25519,
    "sk-ssh-ed25519@openssh.com": _ed25519,
    "ecdsa-sha2-nistp256": partial(_ecdsa, "nistp256"),
    "ecdsa-sha2-nistp384": partial(_ecdsa, "nistp384"),
    "ecdsa-sha2-nistp521": partial(_ecdsa, "nistp521"),
    "sk-ecdsa-sha2-nistp256@openssh.com": partial(_ecdsa, "nistp256"),
    "ssh-rsa": _rsa,
}


def _sign_ecdsa(key: EllipticCurvePrivateKey, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: PLC0415 - only this family

    numbers = decode_dss_signature(key.sign(message, _ecdsa_with(key.key_size)))
    return pack(f"ecdsa-sha2-nistp{key.key_size}".encode(), b"".join(map(pack_integer, numbers)))


def _sign_rsa(key: RSAPrivateKey, message: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only this family
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 - only this family

    return pack(b"rsa-sha2-512", key.sign(message, padding.PKCS1v15(), hashes.SHA512()))


def _ecdsa_with(bits: int) -> ECDSA:
    """Return ECDSA with the digest that goes with a curve of this many bits (RFC 5656, section 6.2.1)."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only this family
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - only this family

    digests: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    return ec.ECDSA(digests[bits])
