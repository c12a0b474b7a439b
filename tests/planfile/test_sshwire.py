from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.planfile.sshwire import (
    Fields,
    key_type,
    pack,
    pack_integer,
    parse_private,
    parse_public_line,
    public_line,
)

# The public key and fingerprint of this test are ssh-keygen's own, of OpenSSH 9.2.
LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIORuNgcnt6WPNqBdgEtDhFnl5R6GRa4Yj+sVJlbIomrc"


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_strings_come_back(strings: list[bytes]) -> None:
    fields = Fields(pack(*strings))
    assert [fields.string() for _ in strings] == strings
    fields.end()


@given(st.integers(1, 2**600))
def test_integers_come_back(value: int) -> None:
    assert Fields(pack_integer(value)).integer() == value


@pytest.mark.parametrize("data", [b"\0\0", b"\0\0\0\5abc"])
def test_data_that_ends_too_early_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="ends too early"):
        Fields(data).string()


def test_data_that_goes_on_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        Fields(b"x").end()


@pytest.mark.parametrize("spelling", [b"\0\x01", b"\x80", b""])
def test_an_integer_in_another_spelling_is_refused(spelling: bytes) -> None:
    with pytest.raises(ValueError, match="shortest"):
        Fields(pack(spelling)).integer()


def test_public_key_lines_come_back_without_their_comment() -> None:
    public = parse_public_line(f"{LINE} alice@work today\n")
    assert key_type(public) == "ssh-ed25519"
    assert public_line(public) == LINE


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-rsa " + LINE.split()[1], "ssh-ed25519 !!!", LINE.split()[1]])
def test_what_is_no_public_key_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_public_line(line)


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        (b"another format, long enough", "not an OpenSSH"),
        (b"openssh-key-v1\0" + pack(b"none", b"none", b"") + bytes([0, 0, 0, 2]) + pack(b"key"), "several"),
        (b"openssh-key-v1\0" + pack(b"none"), "too early"),
    ],
)
def test_a_damaged_private_key_is_refused(inside: bytes, why: str) -> None:
    lines = [b"-----BEGIN OPENSSH PRIVATE KEY-----", base64.b64encode(inside), b"-----END OPENSSH PRIVATE KEY-----\n"]
    with pytest.raises(ValueError, match=why):
        parse_private(b"\n".join(lines))
