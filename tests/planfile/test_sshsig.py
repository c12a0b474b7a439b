from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils

from labelplan.errors import BadSignature
from labelplan.model.plan import Signature
from labelplan.planfile import sshkeys, sshsig
from labelplan.planfile.sshwire import fingerprint, pack, pack_integer, parse_public_line, public_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from labelplan.planfile.sshkeys import PrivateKey

MESSAGE = b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
KEYS: dict[str, PrivateKey] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa-256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-384": ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-521": ec.generate_private_key(ec.SECP521R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
}
each_key = pytest.mark.parametrize("name", KEYS)
with_openssh = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH's ssh-keygen is not installed")


def public_of(key: PrivateKey) -> bytes:
    form = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return parse_public_line(key.public_key().public_bytes(*form).decode())


def made_by(name: str) -> Signature:
    return sshsig.sign(KEYS[name], public_of(KEYS[name]), MESSAGE)


def framed(public: bytes, made: bytes, namespace: bytes = b"labelplan.plan.v1", digest: bytes = b"sha512") -> Signature:
    raw = b"SSHSIG\0\0\0\1" + pack(public, namespace, b"", digest, made)
    return Signature(fingerprint(public), "sshsig", base64.b64encode(raw).decode())


def covered(digest: str = "sha512") -> bytes:
    hashed = hashlib.new(digest, MESSAGE).digest()
    return b"SSHSIG" + pack(b"labelplan.plan.v1", b"", digest.encode(), hashed)


def reason(signature: Signature) -> str:
    with pytest.raises(BadSignature) as raised:
        sshsig.check(signature, MESSAGE)
    return raised.value.what


@each_key
def test_what_is_signed_is_found_valid(name: str) -> None:
    assert sshsig.check(made_by(name), MESSAGE) == public_of(KEYS[name])


@each_key
def test_another_message_is_not_covered(name: str) -> None:
    with pytest.raises(BadSignature, match="does not match"):
        sshsig.check(made_by(name), MESSAGE + b" ")


@each_key
def test_no_bit_of_a_signature_may_change(name: str) -> None:
    good = made_by(name)
    raw = base64.b64decode(good.sig)
    for at in range(len(raw)):
        bad = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert reason(Signature(good.keyid, "sshsig", base64.b64encode(bad).decode()))


@with_openssh
@each_key
def test_openssh_accepts_our_signatures(name: str, tmp_path: Path) -> None:
    armored = f"-----BEGIN SSH SIGNATURE-----\n{made_by(name).sig}\n-----END SSH SIGNATURE-----\n"
    (tmp_path / "sig").write_text(armored)
    (tmp_path / "allowed").write_text(f"alice {public_line(public_of(KEYS[name]))}\n")
    command = ["ssh-keygen", "-Y", "verify", "-I", "alice", "-n", "labelplan.plan.v1", "-f", "allowed", "-s", "sig"]
    done = subprocess.run(command, cwd=tmp_path, input=MESSAGE, capture_output=True, check=False)  # noqa: S603 - a test's own
    assert done.returncode == 0, done.stderr
    done = subprocess.run(command, cwd=tmp_path, input=b"other", capture_output=True, check=False)  # noqa: S603 - a test's own
    assert done.returncode


@with_openssh
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
@each_key
def test_we_accept_openssh_signatures(name: str, digest: str, tmp_path: Path) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    (tmp_path / "key").write_bytes(KEYS[name].private_bytes(*form))
    (tmp_path / "key").chmod(0o600)
    command = ["ssh-keygen", "-Y", "sign", "-O", f"hashalg={digest}", "-n", "labelplan.plan.v1", "-f", "key"]
    done = subprocess.run(command, cwd=tmp_path, input=MESSAGE, capture_output=True, check=True)  # noqa: S603 - a test's own
    signature = sshsig.wrap(sshsig.dearmor(done.stdout))
    assert sshsig.check(signature, MESSAGE) == public_of(KEYS[name])


def test_a_signature_made_for_something_else_is_refused() -> None:
    key = KEYS["ed25519"]
    made = sshkeys.sign(key, b"SSHSIG" + pack(b"git", b"", b"sha512", hashlib.sha512(MESSAGE).digest()))
    assert "made for something else" in reason(framed(public_of(key), made, namespace=b"git"))


@pytest.mark.parametrize("digest", [b"sha1", b"md5"])
def test_a_weak_digest_is_refused(digest: bytes) -> None:
    key = KEYS["ed25519"]
    assert "neither sha256 nor sha512" in reason(framed(public_of(key), sshkeys.sign(key, b""), digest=digest))


def test_a_key_id_that_is_not_that_of_the_key_is_refused() -> None:
    good = made_by("ed25519")
    assert "key id" in reason(Signature(made_by("rsa").keyid, "sshsig", good.sig))


def test_base64_in_another_spelling_is_refused() -> None:
    good = next(s for s in (made_by(name) for name in KEYS) if s.sig.endswith("="))
    last = good.sig.rstrip("=")[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(last) + 1]
    sig = good.sig.rstrip("=")[:-1] + other + "=" * good.sig.count("=")
    assert base64.b64decode(sig) == base64.b64decode(good.sig)
    assert "spelling" in reason(Signature(good.keyid, "sshsig", sig))


@pytest.mark.parametrize("sig", ["", "AAAA", "not base64", base64.b64encode(b"SSHSIG\0\0\0\2").decode()])
def test_what_is_no_signature_is_refused(sig: str) -> None:
    assert "is damaged" in reason(Signature("SHA256:x", "sshsig", sig))


def test_a_short_rsa_key_is_refused() -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak is the point
    assert "RSA keys need 2048 bits, this one has 1024" in reason(sshsig.sign(short, public_of(short), MESSAGE))


def test_rsa_with_sha1_is_refused() -> None:
    public = public_of(KEYS["rsa"])
    assert "'ssh-rsa' are not supported" in reason(framed(public, pack(b"ssh-rsa", b"x" * 256)))


def test_another_type_of_signature_than_the_key_makes_is_refused() -> None:
    public = public_of(KEYS["ed25519"])
    assert "does not make signatures of type" in reason(framed(public, pack(b"ecdsa-sha2-nistp256", b"x" * 64)))


@pytest.mark.parametrize(
    ("public", "why"),
    [
        (pack(b"ssh-dss", b"x"), "'ssh-dss' are not supported"),
        (pack(b"ssh-ed25519", b"short"), "32 bytes"),
        (pack(b"ecdsa-sha2-nistp256", b"nistp384", b"x"), "type and curve differ"),
        (pack(b"ecdsa-sha2-nistp256", b"nistp256", b"\4" + b"x" * 64), "."),
        (pack(b"ssh-ed25519", b"x" * 32, b"more"), "goes on too long"),
    ],
)
def test_a_public_key_that_cannot_be_used_is_refused(public: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sshkeys.check_public(public)


def test_a_key_that_this_build_of_openssl_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise UnsupportedAlgorithm("ed25519 is not supported by this version of OpenSSL")

    monkeypatch.setitem(sshkeys._FAMILIES, "ssh-ed25519", unknown)
    assert "not supported by this version" in reason(made_by("ed25519"))


# --- FIDO2 security keys: the token is played by a key in memory, after PROTOCOL.u2f ---------------------------------


def token_ed25519(flags: int) -> tuple[bytes, bytes]:
    key = ed25519.Ed25519PrivateKey.generate()
    signed = hashlib.sha256(b"ssh:").digest() + bytes([flags, 0, 0, 0, 7]) + hashlib.sha256(covered()).digest()
    kind, raw = b"sk-ssh-ed25519@openssh.com", key.public_key().public_bytes_raw()
    return pack(kind, raw, b"ssh:"), pack(kind, key.sign(signed)) + bytes([flags, 0, 0, 0, 7])


def token_ecdsa(flags: int) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    signed = hashlib.sha256(b"ssh:").digest() + bytes([flags, 0, 0, 0, 7]) + hashlib.sha256(covered()).digest()
    kind = b"sk-ecdsa-sha2-nistp256@openssh.com"
    numbers = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    made = pack(kind, b"".join(map(pack_integer, numbers))) + bytes([flags, 0, 0, 0, 7])
    return pack(kind, b"nistp256", point, b"ssh:"), made


tokens = pytest.mark.parametrize("token", [token_ed25519, token_ecdsa])


@tokens
def test_a_touched_security_key_is_believed(token: Callable[[int], tuple[bytes, bytes]]) -> None:
    public, made = token(1)
    assert sshsig.check(framed(public, made), MESSAGE) == public


@tokens
def test_a_security_key_that_nobody_touched_is_not_believed(token: Callable[[int], tuple[bytes, bytes]]) -> None:
    assert "nobody touched" in reason(framed(*token(0)))


@tokens
def test_flags_and_counter_of_a_security_key_are_covered(token: Callable[[int], tuple[bytes, bytes]]) -> None:
    public, made = token(1)
    for bad in (made[:-5] + b"\5" + made[-4:], made[:-1] + b"\x08"):
        assert "does not match" in reason(framed(public, bad))
    assert "too long" in reason(framed(public, made + b"\0"))
