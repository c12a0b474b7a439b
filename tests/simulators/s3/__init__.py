"""An S3 as AWS documents it, in memory, as a process of its own on 127.0.0.1.

By hand: `python -m tests.simulators.s3 --port 9000`, then AWS_ENDPOINT_URL_S3 is the URL that it prints. From tests and
benchmarks: `running.py`.

What it does as S3 does (path-style addresses, general purpose buckets): versions, delete markers, suspended buckets;
every condition on PUT, COPY, DELETE and GET, each of them one step with the act; DeleteObjects with its digest, per-key
ETags and per-key errors; copies with what they keep and what they lose; tags, ACLs, storage classes, archived objects,
SSE-S3, SSE-KMS and SSE-C by name, Object Lock, MFA delete, expected owners, Deny statements of a bucket policy; paged
listings in UTF-8 byte order and in AWS's own layout; checksums; times in whole seconds. `Settings` make it worse than
AWS, one condition at a time. It keeps account of what was asked, and can be told to fail (`rules.py`).

What it does not do: check signatures, IAM or Allow statements (who asks is the owner, `EXPIRED` is an access key that
has expired), encrypt, replicate or let lifecycle rules expire anything, restore from an archive, block public access,
notify, annotate objects, serve websites or virtual-host addresses, TLS. A request that it does not know is answered
with 501 and changes nothing. Nothing outlives the process.
"""
