"""What takes a client long before its first request, made before it is forked: imports, boto3's sessions and clients.

boto3 makes them exactly as it would for labelplan, in the order's environment; nothing has been sent with them. Each
forked client has them all to itself, and gets one of them whenever labelplan asks boto3 for one.
"""

from __future__ import annotations

import functools
import importlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3.session
import botocore.session
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ClientError
from botocore.loaders import create_loader

from labelplan.cli.main import COMMANDS
from labelplan.store import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3 import S3Client

_OURS = (
    *(f"labelplan.cli.{command}" for command in COMMANDS if command != "demo"),
    *(f"labelplan.{name}" for name in ("flow.apply", "flow.undo", "flow.verify", "flow.recheck", "store.s3")),
)
_THEIRS = ("cryptography.hazmat.primitives.asymmetric.ed25519", "encodings.idna", "typer._click.decorators")
"""What is imported only when it is needed."""

REGION = "us-east-1"
STOCK = {1: 1, 4: 3}
"""How many clients are ready that make so many attempts; who needs more has them made."""

_AT = {"Bucket": "ready", "Key": "ready"}
_TRIED: dict[str, dict[str, Any]] = {
    "head_bucket": {"Bucket": "ready"},
    "list_objects_v2": {"Bucket": "ready"},
    "list_object_versions": {"Bucket": "ready"},
    "get_object": _AT,
    "head_object": _AT,
    "put_object": _AT | {"Body": b"ready"},
    "copy_object": _AT | {"CopySource": _AT},
    "delete_object": _AT,
    "delete_objects": {"Bucket": "ready", "Delete": {"Objects": [{"Key": "ready"}]}},
}
_NO = b"<Error><Code>NoSuchKey</Code><Message>not sent</Message></Error>"


def imports() -> None:
    """Import what a client imports, and let botocore read its models only once."""
    botocore.session.create_loader = functools.cache(create_loader)
    for name in (*_OURS, *_THEIRS):
        importlib.import_module(name)


class Kit:
    """A session of the environment as it is, and S3 clients with labelplan's configuration as it is."""

    def __init__(self) -> None:
        self._session = boto3.session.Session()
        self._make = self._session.client
        self._stock: dict[tuple[Any, ...], list[Any]] = {}
        for attempts, number in STOCK.items():
            config = connect._config(attempts)
            ready = [self._make("s3", region_name=REGION, config=config) for _ in range(number)]
            for client in ready:
                _try_out(client)
            self._stock[_kind("s3", REGION, config)] = ready

    def lay_out(self) -> None:
        """Let boto3 hand out what is ready, in this process."""
        self._session.client = self._hand_out  # type: ignore[method-assign, assignment]  # what boto3 has ready
        boto3.session.Session = lambda: self._session  # type: ignore[misc, assignment]  # as above

    def _hand_out(self, service: str, *, region_name: str, config: Any) -> Any:
        ready = self._stock.get(_kind(service, region_name, config))
        return ready.pop() if ready else self._make(service, region_name=region_name, config=config)  # type: ignore[call-overload]  # any service


def _kind(service: str, region: str, config: Any) -> tuple[Any, ...]:
    return service, region, *sorted((name, str(value)) for name, value in config._user_provided_options.items())


def _try_out(client: S3Client) -> None:
    """Use each operation once, so that botocore has read its model; nothing is sent."""
    client.meta.events.register("before-send.s3", _refuse, "tried-out")
    for name, arguments in _TRIED.items():
        with suppress(ClientError):
            getattr(client, name)(**arguments)
    for name in ("list_objects_v2", "list_object_versions"):
        client.can_paginate(name)
    client.meta.events.unregister("before-send.s3", unique_id="tried-out")


def _refuse(request: AWSPreparedRequest, **_: object) -> Any:
    headers: Any = HeadersDict()
    return AWSResponse(request.url, 404, headers, _Raw())


class _Raw:
    def stream(self) -> Iterator[bytes]:
        return iter((_NO,))
