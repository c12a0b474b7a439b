from __future__ import annotations

import base64
import getpass
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from labelplan.errors import KeyUnusable
from labelplan.planfile.keys import FileSigner, ProgramSigner, find_signer, generate_key, key_path
from labelplan.planfile.sshsig import check
from labelplan.planfile.sshwire import fingerprint, pack, public_line

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "correct horse"  # noqa: S105 - a test's
with_openssh = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH's ssh-keygen is not installed")
with_agent = pytest.mark.skipif(not shutil.which("ssh-agent"), reason="OpenSSH's ssh-agent is not installed")


def test_a_new_key_is_for_its_owner_alone_and_signs(tmp_path: Path) -> None:
    path = tmp_path / "config" / "labelplan" / "key"
    public = generate_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    signer = find_signer(str(path), {})
    signer.unlock()
    assert signer.keyid == fingerprint(public)
    assert check(signer.sign(b"plan"), b"plan") == public == signer.public


@with_openssh
def test_openssh_can_read_a_new_key(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key")
    command = ["ssh-keygen", "-y", "-f", str(tmp_path / "key")]
    done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - a test's own
    assert done.stdout.decode().strip() == public_line(public)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    generate_key(tmp_path / "key")
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(KeyUnusable, match="already"):
        generate_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


def test_a_place_where_no_key_can_be_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyUnusable, match="Cannot write the key"):
        generate_key(tmp_path / "file" / "key")


def test_the_key_is_looked_for_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    everything = {"LABELPLAN_KEY": "~/ci.key", "XDG_CONFIG_HOME": "/etc/xdg"}
    assert key_path("mine", everything) == Path("mine")
    assert key_path(None, everything) == Path("/home/alice/ci.key")
    assert key_path(None, {"XDG_CONFIG_HOME": "/etc/xdg"}) == Path("/etc/xdg/labelplan/key")
    assert key_path(None, {}) == Path("/home/alice/.config/labelplan/key")


def test_no_key_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="No such file") as raised:
        find_signer(None, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert "labelplan key generate" in raised.value.advice


@pytest.mark.parametrize(
    "content", ["", "hello", "-----BEGIN PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "\udcff"]
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(KeyUnusable, match="not a key that can sign plans"):
        find_signer(str(tmp_path / "key"), {})


# --- passphrases ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("locked") / "key"
    generate_key(path, SECRET.encode())
    return path


def test_who_a_locked_key_belongs_to_is_known_without_its_passphrase(locked: Path) -> None:
    assert find_signer(str(locked), {}).keyid.startswith("SHA256:")


def test_the_passphrase_comes_from_the_environment(locked: Path) -> None:
    signer = find_signer(str(locked), {"LABELPLAN_KEY_PASSPHRASE": SECRET})
    assert check(signer.sign(b"plan"), b"plan") == signer.public


def test_the_passphrase_is_asked_for_once_at_a_terminal(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return SECRET

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(getpass, "getpass", answer)
    signer = find_signer(str(locked), {})
    signer.unlock()
    signer.sign(b"plan")
    assert asked == [f"Passphrase of {locked}: "]


def test_without_a_terminal_nobody_is_asked(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    with pytest.raises(KeyUnusable, match="no terminal") as raised:
        find_signer(str(locked), {}).unlock()
    assert "LABELPLAN_KEY_PASSPHRASE" in raised.value.advice


def test_a_wrong_passphrase_is_refused_and_not_repeated(locked: Path) -> None:
    with pytest.raises(KeyUnusable, match="passphrase is wrong") as raised:
        find_signer(str(locked), {"LABELPLAN_KEY_PASSPHRASE": "wrong horse"}).unlock()
    assert "wrong horse" not in f"{raised.value} {raised.value.advice}"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("given", ["", "horse\udcff"])
def test_a_passphrase_that_cannot_be_one_is_refused_in_words(locked: Path, given: str) -> None:
    with pytest.raises(KeyUnusable, match="passphrase") as raised:
        find_signer(str(locked), {"LABELPLAN_KEY_PASSPHRASE": given}).unlock()
    assert "LABELPLAN_KEY_PASSPHRASE" in raised.value.advice
    assert "horse" not in f"{raised.value} {raised.value.advice}"


def test_a_passphrase_that_is_too_long_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="at most 1,023 bytes"):
        generate_key(tmp_path / "key", b"x" * 1024)
    assert not (tmp_path / "key").exists()
    generate_key(tmp_path / "key", b"x" * 1023)
    find_signer(str(tmp_path / "key"), {"LABELPLAN_KEY_PASSPHRASE": "x" * 1023}).unlock()


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_that_others_may_read_is_refused_unless_it_has_a_passphrase(
    tmp_path: Path, locked: Path, mode: int
) -> None:
    generate_key(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(KeyUnusable, match="Others may read") as raised:
        find_signer(str(tmp_path / "key"), {})
    assert raised.value.advice == f"Run: chmod 600 {tmp_path}/key"
    shutil.copyfile(locked, tmp_path / "locked")
    (tmp_path / "locked").chmod(mode)
    find_signer(str(tmp_path / "locked"), {"LABELPLAN_KEY_PASSPHRASE": SECRET}).unlock()


def test_a_key_whose_halves_differ_is_refused(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key")
    signer = FileSigner(tmp_path / "key", (tmp_path / "key").read_bytes(), lambda: b"")
    signer.public = public[:-1] + bytes([public[-1] ^ 1])
    with pytest.raises(KeyUnusable, match="halves differ"):
        signer.unlock()


# --- through ssh-keygen ---------------------------------------------------------------------------------------------


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    socket = tmp_path / "agent"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    command = ["ssh-agent", "-D", "-a", str(socket)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:  # noqa: S603 - a test's own
        while not socket.exists():
            assert running.poll() is None
            os.sched_yield()
        yield
        running.terminate()


@with_agent
def test_a_public_key_signs_through_the_agent(tmp_path: Path, agent: None) -> None:  # noqa: ARG001 - a fixture that runs
    public = generate_key(tmp_path / "key")
    (tmp_path / "key.pub").write_text(public_line(public) + " alice@work\n")
    command = ["ssh-add", "-q", str(tmp_path / "key")]
    subprocess.run(command, check=True)  # noqa: S603 - a test's own
    (tmp_path / "key").unlink()
    signer = find_signer(str(tmp_path / "key.pub"), {})
    assert isinstance(signer, ProgramSigner)
    signer.unlock()
    assert check(signer.sign(b"plan"), b"plan") == public


@with_openssh
def test_a_key_that_the_agent_does_not_hold_is_refused_before_anything_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "key.pub").write_text(public_line(generate_key(tmp_path / "elsewhere")))
    with pytest.raises(KeyUnusable, match="ssh-keygen could not sign") as raised:
        find_signer(str(tmp_path / "key.pub"), {}).unlock()
    assert "ssh-add -l" in raised.value.advice


def test_without_openssh_a_public_key_cannot_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pub").write_text(public_line(generate_key(tmp_path / "key")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeyUnusable, match="not installed"):
        find_signer(str(tmp_path / "key.pub"), {}).unlock()


def test_a_program_that_signs_with_another_key_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate_key(tmp_path / "other")
    other = find_signer(str(tmp_path / "other"), {})
    (tmp_path / "key.pub").write_text(public_line(generate_key(tmp_path / "key")))
    (tmp_path / "sig").write_text(other.sign(b"plan").sig)
    (tmp_path / "ssh-keygen").write_text(f"#!/bin/sh\n/bin/cat {tmp_path}/sig\n")
    (tmp_path / "ssh-keygen").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeyUnusable, match="could not sign"):
        find_signer(str(tmp_path / "key.pub"), {}).sign(b"plan")


def test_a_security_key_signs_through_openssh_though_its_file_is_private(tmp_path: Path) -> None:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    public = pack(b"sk-ssh-ed25519@openssh.com", raw, b"ssh:")
    (tmp_path / "id_sk").write_bytes(private_file(public))
    signer = find_signer(str(tmp_path / "id_sk"), {})
    assert isinstance(signer, ProgramSigner)
    assert signer.public == public


def private_file(public: bytes) -> bytes:
    """The beginning of a private key file; what comes after it is never read for a security key."""
    inside = b"openssh-key-v1\0" + pack(b"none", b"none", b"") + b"\0\0\0\1" + pack(public, b"handle")
    body = base64.b64encode(inside).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n".encode()


def test_older_private_key_formats_are_refused_with_the_way_to_convert_them(tmp_path: Path) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*form))
    with pytest.raises(KeyUnusable, match="not a key that can sign plans") as raised:
        find_signer(str(tmp_path / "key.pem"), {})
    assert "ssh-keygen -p -f" in raised.value.advice
