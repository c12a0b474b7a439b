"""A local S3 with any number of objects, for reading its listing only, and faster than any client reads it.

What it simulates: HeadBucket, GetBucketVersioning (Enabled), ListObjectVersions with prefixes and paging, in the layout
in which AWS writes it, HeadObject, and STS's GetCallerIdentity. The objects follow from their number alone
(`objects.py`), so that a benchmark knows each of them beforehand.

What it does not: contents, old versions, delete markers, delimiters, permissions, signatures (none is checked), faults.
Any other request is answered with 501.

By hand: `python -m tests.simulators.s3_listing --objects 1000000 --prefixes 4 --port 9000`.
"""
