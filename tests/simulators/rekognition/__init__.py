"""A stand-in for Amazon Rekognition's DetectLabels, as a process of its own on 127.0.0.1.

By hand: `python -m tests.simulators.rekognition --tps 50 --latency 0.25`, then AWS_ENDPOINT_URL_REKOGNITION (and, for
ListServiceQuotas, AWS_ENDPOINT_URL_SERVICE_QUOTAS) is the URL that it prints. From tests and benchmarks: `running.py`.

What it does as the service does: the json-1.1 wire, its error bodies and its checks, also those that boto3 leaves to
the service; SigV4; it reads the S3 object with the caller's own key and says no more than the service does when it
cannot; JPEG and PNG by their bytes, with the limits in bytes and pixels; filters, then MinConfidence, then MaxLabels;
a quota as a token bucket, a ramp rule, errors, resets, slow answers and hangs. Its ledger knows what was billed.

What it does not do: look at pictures (unless with `--answers local`, and that is a small model's word), Amazon's label
list, billing tiers, the live service's latency (nobody outside has published it), a body's DNL or CMYK oddities, IAM
policies, KMS, TLS. All regions and accounts share one quota. Where AWS documents no error code (a picture under 80
pixels, MaxLabels over 1,000) the choice here is a guess, and says so where it is made.
"""
