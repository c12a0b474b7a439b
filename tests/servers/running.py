"""Starts the S3 servers that the tests and benchmarks speak to, each on free ports of this machine, and ends them.

`make servers` installs them, in environments of their own: ministack pins another botocore. Why these servers, and what
each is good for: docs/decisions/0011-real-servers.md. All take the key `testing` with the secret `testing`.
"""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers import keeper
from tests.simulators.s3 import running as s3_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from mypy_boto3_s3 import S3Client

INSTALLED = Path(__file__).parents[2] / ".venv-servers"
KEY = "testing"
HOST = "127.0.0.1"
PATIENCE = 60
"""Seconds that a server has until its first PUT succeeds; SeaweedFS needs 3 to 9."""
GRPC = 10_000
"""What SeaweedFS adds to each port for a second one."""
_PORTS = range(12_000, 22_000)  # with GRPC more, still below those that the system gives to clients


class Server(NamedTuple):
    """A server that runs: its *url* for `AWS_ENDPOINT_URL_S3`, and its process id."""

    name: str
    url: str
    pid: int


class NotReady(RuntimeError):
    """A server did not start; its last words are in the message."""


def program(name: str) -> Path:
    """Say where one of the programs is, or would be: ministack, weed, rclone, s5cmd."""
    environment = "ministack" if name == "ministack" else "binaries"
    return INSTALLED / environment / "bin" / name


@contextmanager
def moto(port: int = 0) -> Iterator[Server]:
    """Run moto's server in a thread of this process: nothing to install, but it ignores ETags in bulk deletes."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - a second, and the benchmarks need no moto

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=HOST, port=port, verbose=False)
    server.start()
    try:
        yield Server("moto", f"http://{HOST}:{server.get_host_and_port()[1]}", os.getpid())
    finally:
        server.stop()


@contextmanager
def simulator() -> Iterator[Server]:
    """Run the simulator, which is true to AWS where no real server is."""
    with s3_simulator.running() as simulated:
        yield Server("simulator", simulated.url, simulated.pid)


@contextmanager
def ministack() -> Iterator[Server]:
    """Run ministack: in memory, exact keys, ETags in bulk deletes; ignores conditions on a copy's destination."""

    def command(_: Path) -> tuple[int, list[str], dict[str, str]]:
        port = free_port()
        settings = {"BIND_HOST": HOST, "GATEWAY_PORT": str(port), "SERVICES": "s3", "LOG_LEVEL": "ERROR"}
        return port, [str(program("ministack"))], settings

    with _started("ministack", command) as server:
        yield server


@contextmanager
def seaweedfs() -> Iterator[Server]:
    """Run SeaweedFS: on disk, every condition honoured, signatures checked; some odd keys are rewritten."""
    ports: dict[str, int] = {}

    def command(folder: Path) -> tuple[int, list[str], dict[str, str]]:
        ports.update({name: free_port(GRPC) for name in ("master", "volume", "filer", "s3")})
        credentials = [{"accessKey": KEY, "secretKey": KEY}]
        actions = ["Admin", "Read", "List", "Tagging", "Write", "BypassGovernanceRetention"]
        identity = {"name": KEY, "credentials": credentials, "actions": actions}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        flags = {
            "dir": folder / "data",
            "ip": HOST,
            "ip.bind": HOST,
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64,
            "volume.max": 1000,
            "filer.localSocket": folder / "filer.sock",
            "s3.localSocket": folder / "s3.sock",
            "s3.config": folder / "s3.json",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.allowDeleteBucketNotEmpty": "false",  # else a bucket goes with all that is in it
            "s3.autoCreateBucket": "false",
            **{f"{name}.port": port for name, port in ports.items()},
            **{f"{name}.port.grpc": port + GRPC for name, port in ports.items()},
        }
        options = [f"-{name}={value}" for name, value in flags.items()]
        settings = {"WEED_S3_SSE_KEK": "0" * 63 + "1", "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
        return ports["s3"], [str(program("weed")), "-v=0", "server", "-filer", "-s3", *options], settings

    with _started("seaweedfs", command) as server:
        try:
            yield server
        finally:
            for name in ("master", "volume", "filer", "s3"):
                # it knows no other place for these, and has no time to remove them
                Path(f"/tmp/seaweedfs-{name}-grpc-{ports[name] + GRPC}.sock").unlink(missing_ok=True)  # noqa: S108


@contextmanager
def rclone(port: int | None = None) -> Iterator[Server]:
    """Run `rclone serve s3`, in memory. Hostile: it ignores every condition, and a tag request overwrites the body."""
    port = port or free_port()

    def command(_: Path) -> tuple[int, list[str], dict[str, str]]:
        where = ["--config", os.devnull, "--addr", f"{HOST}:{port}", "--auth-key", f"{KEY},{KEY}"]
        return port, [str(program("rclone")), "serve", "s3", *where, ":memory:"], {}

    with _started("rclone", command) as server:
        yield server


STARTS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "moto": moto,
    "simulator": simulator,
    "ministack": ministack,
    "seaweedfs": seaweedfs,
    "rclone": rclone,
}
"""How each server is run."""

_PROGRAMS = {"ministack": "ministack", "seaweedfs": "weed", "rclone": "rclone"}


def is_installed(name: str) -> bool:
    """Tell whether a server can be run here; moto and the simulator always can."""
    return name not in _PROGRAMS or program(_PROGRAMS[name]).exists()


def free_port(beside: int = 0) -> int:
    """Find a port of 127.0.0.1 that nobody listens to; with *beside*, the one so much higher is free as well."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - no secret
        if all(map(_is_free, {port, port + beside})):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
        return True


def client(url: str, **config: Any) -> S3Client:
    """Make a bare client of a server."""
    settings = Config(s3={"addressing_style": "path"}, **config)
    made: S3Client = boto3.session.Session().client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
        config=settings,
    )
    return made


@contextmanager
def _started(name: str, command: Callable[[Path], tuple[int, list[str], dict[str, str]]]) -> Iterator[Server]:
    """Run a server through `keeper.py` until the block, or this process, ends.

    *command* makes the port, the command line and the environment for a folder of data.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"labelplan-{name}-"))
    port, words, settings = command(folder)
    keep = [sys.executable, keeper.__file__, str(folder), *words]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "COVERAGE_"))}
    with subprocess.Popen(  # noqa: S603 - the tests' own programs
        keep,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | settings | {"TMPDIR": str(folder)},  # their sockets and logs go there
        start_new_session=True,  # Ctrl-C ends the tests, and these end the server
    ) as kept:
        assert kept.stdout
        try:
            pid = int(kept.stdout.readline() or 0)
            url = f"http://{HOST}:{port}"
            why = _wait(url, kept)
            if why:
                assert kept.stderr
                said = keeper.last_words(folder) if kept.poll() is None else kept.stderr.read()
                raise NotReady(f"{name} did not start at {url}: {why}\n{said}")
            yield Server(name, url, pid)
        finally:
            assert kept.stdin
            kept.stdin.close()


def _wait(url: str, kept: subprocess.Popen[str]) -> str:
    """Wait until the server has stored an object; return why it has not, else nothing."""
    s3 = client(url, connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
    began, why = time.monotonic(), "no time"
    while time.monotonic() - began < PATIENCE and kept.poll() is None:
        try:
            _store(s3)
        except (BotoCoreError, ClientError) as error:
            why = str(error)
            time.sleep(0.05)
        else:
            return ""
    return why


def _store(s3: S3Client) -> None:
    bucket = "ready"
    if not any(one.get("Name") == bucket for one in s3.list_buckets()["Buckets"]):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="ready", Body=b"ready")
    s3.delete_object(Bucket=bucket, Key="ready")
    s3.delete_bucket(Bucket=bucket)
