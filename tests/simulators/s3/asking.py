"""How tests ask it: a bucket through boto3, and refusals as one line of text."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.simulators.s3.running import Simulator


def client(simulator: Simulator, **session: Any) -> Any:
    """A client that sends nothing twice."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.session.Session(**session).client("s3", endpoint_url=simulator.url, config=config)


class Place:
    """A bucket of its own."""

    def __init__(self, simulator: Simulator, s3: Any, **created: Any) -> None:
        """Create it; *created* are CreateBucket's arguments."""
        self.simulator, self.s3, self.name = simulator, s3, f"wildlife-{uuid.uuid4().hex[:12]}"
        s3.create_bucket(Bucket=self.name, **created)

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call the client's *operation* on this bucket."""
        answer: dict[str, Any] = getattr(self.s3, operation)(Bucket=self.name, **arguments)
        return answer

    def refused(self, operation: str, **arguments: Any) -> str:
        """Return the HTTP status and the code of the error, such as `404 NoSuchKey`; empty if there was none."""
        try:
            self.ask(operation, **arguments)
        except ClientError as error:
            return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error.response['Error']['Code']}"
        return ""

    def put(self, key: str, body: bytes = b"deer", **arguments: Any) -> str:
        """Write an object; return its ETag."""
        etag: str = self.ask("put_object", Key=key, Body=body, **arguments)["ETag"]
        return etag

    def read(self, key: str, **arguments: Any) -> bytes:
        """Read an object's bytes."""
        body: bytes = self.ask("get_object", Key=key, **arguments)["Body"].read()
        return body

    def turn(self, versioning: str) -> None:
        """Set versioning."""
        self.ask("put_bucket_versioning", VersioningConfiguration={"Status": versioning})

    def copy(self, source: str, key: str, **arguments: Any) -> dict[str, Any]:
        """Copy an object of this bucket."""
        return self.ask("copy_object", Key=key, CopySource={"Bucket": self.name, "Key": source}, **arguments)

    def delete_many(self, *objects: dict[str, Any], quiet: bool = False, **arguments: Any) -> dict[str, Any]:
        """Call DeleteObjects."""
        return self.ask("delete_objects", Delete={"Objects": list(objects), "Quiet": quiet}, **arguments)

    def history(self, key: str) -> list[str]:
        """List a key's versions, newest first: an ETag, or `marker`."""
        versions = self.simulator.dump(self.name)["keys"].get(key, ())
        return ["marker" if one["marker"] else one["etag"] for one in versions]

    def newest(self, key: str) -> dict[str, Any]:
        """Return all that the server knows of a key's newest version."""
        found: dict[str, Any] = self.simulator.dump(self.name)["keys"][key][0]
        return found
