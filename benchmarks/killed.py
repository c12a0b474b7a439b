"""What kills cost: `labelplan plan` is killed (SIGKILL) at random moments, again and again, and then finished.

Against moto's S3 and the stand-in for Rekognition, which counts what it bills. The limit is one bill a content; what
was under way at a kill may be billed twice, since its reply reached nobody.

    python benchmarks/killed.py [--objects 2000] [--contents 1900] [--kills 20] [--tps 200] [--seed 1]
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.paying import fill, make_planner
from tests.simulators.rekognition.running import running

FAKE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
BUCKET = "wildlife-training"


def main() -> None:
    """Kill, finish, and print the bill; exits with 1 if it is higher than the kills explain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--contents", type=int, default=1900)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--tps", type=float, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.environ.update(FAKE)
    s3 = _serve_s3()
    client = boto3.session.Session().client("s3", endpoint_url=s3)
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    fill(client, BUCKET, given.objects, given.contents)
    with running(s3=s3, tps=given.tps, latency=0.25) as rekognition, tempfile.TemporaryDirectory() as folder:
        planner = make_planner(Path(folder), BUCKET, s3, rekognition.url)
        luck, under_way, kills = random.Random(given.seed), 0, 0  # noqa: S311 - only when to kill
        print(f"{given.objects:,} objects, {given.contents:,} contents, {given.tps:g} TPS; seed {given.seed}")
        while kills < given.kills:
            process = planner.start()
            time.sleep(luck.uniform(0.3, 5.0))
            flying = rekognition.totals()["in_flight"]
            process.send_signal(signal.SIGKILL)
            process.communicate()
            if process.returncode != -signal.SIGKILL:
                break  # it was faster than the kill
            kills += 1
            under_way += max(flying, rekognition.totals()["in_flight"]) + 1  # one reply may lie unread in the socket
            print(f"  kill {kills:2}: {flying:3} under way, {rekognition.totals()['billed']:5,} billed so far")
        code, out, err = planner.run()
        billed = rekognition.totals()["billed"]
        print(out.strip().splitlines()[0] if out else err)
        extra = billed - given.contents
        print(
            f"{kills} kills; billed {billed:,}: the contents and {extra} more; {under_way} were under way at the kills"
        )
        sys.exit(bool(code) or not 0 <= extra <= under_way)


def _serve_s3() -> str:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


if __name__ == "__main__":
    main()
