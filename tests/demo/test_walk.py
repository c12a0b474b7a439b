from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labelplan.cli.main import run
from labelplan.demo import walk
from labelplan.demo.bucket import DemoBucket, aws_environment, embedded_s3
from labelplan.demo.claims import ClaimFailed
from labelplan.errors import MissingExtra


def test_kept_up_it_prints_what_to_export_and_ends_cleanly_on_ctrl_c() -> None:
    """The main job itself is run by the README's test; here the server is left up, seen to answer, and ended."""
    code = (
        "import labelplan.demo.walk as walk, signal; "
        "signal.signal(signal.SIGINT, signal.SIG_IGN); walk._main_job = lambda *_: None; "
        "from labelplan.cli.main import main; main(['demo', '--keep'])"
    )
    with subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True) as demo:  # noqa: S603 - our own
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C here"):
                break
        exported = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
        folder = Path(re.findall(r"  cd (\S+)", "".join(lines))[0])
        was_there = folder.is_dir()
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=60)
    assert was_there
    assert exported["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert exported["LABELPLAN_TRUST_OWN_KEY"] == "1"
    assert Path(exported["LABELPLAN_CACHE"]).parent == folder
    assert (demo.returncode, "Ended; the server and its folder are gone." in rest) == (0, True)
    assert not folder.exists()


def test_a_command_that_ends_otherwise_than_expected_fails_the_demo(tmp_path: Path) -> None:
    said: list[str] = []
    tried = walk.Walk(tmp_path, said.append)
    tried.run("show", "nothing.json", expect=4)
    with pytest.raises(ClaimFailed, match="labelplan show ended with 4, not 0"):
        tried.run("show", "nothing.json")
    assert said[0] == "\n$ labelplan show nothing.json"


def test_the_users_own_aws_proxy_and_labelplan_settings_do_not_reach_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {
        "AWS_PROFILE": "production",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "LABELPLAN_SIGNERS": "mine",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    with embedded_s3() as endpoint, walk._environment(aws_environment(endpoint)):
        assert not foreign.keys() & os.environ.keys()
        bucket = DemoBucket()
        bucket.fill({"a.jpg": b"a"})
        # another test of this process may have filled the same in-process server before
        assert bucket.content()["a.jpg"] == (b"a", "image/jpeg", {"file": "a.jpg"})
    assert foreign.items() <= os.environ.items()


def test_without_the_extra_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "moto.server", None)
    with pytest.raises(MissingExtra), embedded_s3():
        pass
    assert run(["demo"]) == 1
    assert 'pip install "labelplan[demo]"' in capsys.readouterr().err
