"""CPU time of a DeleteObjects of 1,000 keys, without the network: labelplan's own XML beside botocore's.

"XML" is writing the request's body and reading the answer; "call" is `delete_objects` as a whole, with signature and
digest, where only the transport is replaced.

    python benchmarks/bulk_xml.py [--runs N]
"""

from __future__ import annotations

import argparse
import io
import time
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from labelplan.store.bulk_xml import Named, read, take_over, written

if TYPE_CHECKING:
    from collections.abc import Callable

OBJECTS = [(f"images/car/{n:08}.jpg", f'"{n:032x}"') for n in range(1000)]
NAMED = [Named(key, etag) for key, etag in OBJECTS]
DELETE = {"Objects": [{"Key": key, "ETag": etag} for key, etag in OBJECTS]}
ANSWER = "".join(
    f"<Deleted><Key>{key}</Key><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{n:032x}</DeleteMarkerVersionId>"
    "</Deleted>"
    for n, (key, _) in enumerate(OBJECTS)
)
BODY = f"<DeleteResult>{ANSWER}</DeleteResult>".encode()


class _Reply(io.BytesIO):
    """What botocore takes for a connection's answer."""

    def stream(self, **_: Any) -> Any:
        yield self.getvalue()


def _headers() -> Any:
    return HeadersDict({})


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """Return the CPU time of one call, the best of so many."""
    best = float("inf")
    for _ in range(runs):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return 1000 * best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    runs = parser.parse_args().runs
    session = botocore.session.get_session()
    given: dict[str, Any] = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    clients: list[Any] = [session.create_client("s3", **given) for _ in range(2)]
    model = clients[0].meta.service_model.operation_model("DeleteObjects")
    arguments, serializer, reader = (
        {"Bucket": "b", "Delete": DELETE},
        create_serializer("rest-xml"),
        create_parser("rest-xml"),
    )
    heard = {"status_code": 200, "headers": {}, "body": BODY}

    def theirs() -> None:
        ParamValidator().validate(arguments, model.input_shape)
        serializer.serialize_to_request(arguments, model)
        reader.parse(heard, model.output_shape)

    for client in clients:
        client.meta.events.register(
            "before-send.s3.DeleteObjects",
            lambda **_: AWSResponse("http://127.0.0.1", 200, _headers(), _Reply(BODY)),
        )
    take_over(clients[1])
    rows = {
        "XML": (theirs, lambda: (written(NAMED), read(BODY))),
        "call": (
            lambda: clients[0].delete_objects(Bucket="b", Delete=DELETE),
            lambda: clients[1].delete_objects(Bucket="b", Delete=written(NAMED)),
        ),
    }
    for name, (botocores, own) in rows.items():
        slow, fast = milliseconds(botocores, runs), milliseconds(own, runs)
        print(f"{name:<5} botocore {slow:6.2f} ms, labelplan {fast:6.2f} ms, ratio {slow / fast:.1f}")


if __name__ == "__main__":
    main()
