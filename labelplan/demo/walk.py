"""The walk-through: every step of the main job by the command that a user would type, each claim checked behind it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from labelplan.demo.bucket import BUCKET, DemoBucket, aws_environment, embedded_s3, photographs
from labelplan.demo.claims import ClaimFailed, check_applied, check_plan, check_undone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

APPLIED_BEFORE = 6

NEXT = """\
What to try next:
  labelplan demo --keep         the same, with the server left up, to play with
  labelplan validate SPEC       check a spec of your own; examples/ has some to start from
  labelplan plan --help         plan your own bucket: AWS's usual configuration is all it needs
"""


@dataclass(frozen=True)
class Walk:
    """One walk-through: the folder that it works in, and how it talks."""

    folder: Path
    say: Callable[[str], None]

    def run(self, *args: str, expect: int = 0) -> None:
        """Echo one labelplan command, run it for real, and insist on its exit code."""
        self.say(f"\n$ labelplan {shlex.join(args)}")
        command = [sys.executable, "-m", "labelplan", *args]
        code = subprocess.run(command, cwd=self.folder, check=False).returncode  # noqa: S603 - our own command
        if code != expect:
            raise ClaimFailed(f"labelplan {args[0]} ended with {code}, not {expect}.")

    def checked(self, claim: str) -> None:
        """Say that a claim held."""
        self.say(f"  ✓ checked: {claim}")


def walk_through(say: Callable[[str], None], *, keep: bool) -> None:
    """Run the demo; raises `ClaimFailed` if it did not do what it says. *keep*: stay up until Ctrl-C."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="labelplan-demo-") as folder, embedded_s3() as endpoint:
        settings = aws_environment(endpoint) | _settings(Path(folder))
        with _environment(settings):
            walk = Walk(Path(folder), say)
            _main_job(walk, DemoBucket())
            say(f"\nThe whole walk took {time.monotonic() - started:.0f} s. Nothing left this machine.\n")
            if keep:
                _stay_up(walk, settings)
            else:
                say(NEXT)


def _main_job(walk: Walk, bucket: DemoBucket) -> None:
    photos = photographs()
    spec = resources.files(__package__).joinpath("demo.yaml").read_text(encoding="utf-8")
    (walk.folder / "demo.yaml").write_text(spec, encoding="utf-8")
    walk.say(f"{len(photos)} photographs in 4 class folders, some in the wrong one, in s3://{BUCKET} on this machine.")
    walk.say("(LABELPLAN_TRUST_OWN_KEY=1: this demo trusts the key that it makes itself.)")
    bucket.fill(photos)
    before = bucket.content()
    walk.run("key", "generate")
    walk.run("validate", "demo.yaml")
    walk.run("plan", "demo.yaml", "-o", "demo.plan.json")
    walk.checked(check_plan(walk.folder / "demo.plan.json", set(photos)))
    walk.run("show", "demo.plan.json")
    walk.run("verify", "demo.plan.json")
    walk.run("apply", "demo.plan.json", "--auto-approve")
    walk.checked(check_applied(before, bucket.content()))
    walk.say("\nA plan is applied once; a second time is refused:")
    walk.run("apply", "demo.plan.json", "--auto-approve", expect=APPLIED_BEFORE)
    walk.run("undo", f"{BUCKET}/{bucket.run()}", "--auto-approve")
    walk.checked(check_undone(before, bucket.content()))


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Replace what this process and its commands know of AWS, proxies and keys by *settings*, for a while."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("AWS_", "LABELPLAN_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _settings(folder: Path) -> dict[str, str]:
    return {
        "AWS_CONFIG_FILE": str(folder / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-aws-credentials"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "LABELPLAN_CACHE": str(folder / "answers.sqlite"),
        "LABELPLAN_TRUST_OWN_KEY": "1",
    }


def _stay_up(walk: Walk, settings: Mapping[str, str]) -> None:
    """Print what to export and wait for Ctrl-C, or a polite kill."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job begins with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        walk.say("The server stays up, and the bucket is as it was. In another terminal:\n")
        for name, value in settings.items():
            walk.say(f"  export {name}={shlex.quote(value)}")
        walk.say(f"  cd {shlex.quote(str(walk.folder))}\n\nCtrl-C here ends it and removes all of it.")
        threading.Event().wait()
    walk.say("\nEnded; the server and its folder are gone.")
