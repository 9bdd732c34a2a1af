"""A real S3 server for the tests (moto), in a process of its own. It prints ``port N``.

It has a user with a key who may use S3, and from then on it checks every request's signature.
"""

from __future__ import annotations

import json
import os
import threading

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "x"
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import boto3
from moto.server import ThreadedMotoServer


def main() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    iam = boto3.client("iam", endpoint_url=url)
    iam.create_user(UserName="cdr")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="cdr", PolicyName="all", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName="cdr")["AccessKey"]
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket="cdr-bucket")
    print("key", key["AccessKeyId"], key["SecretAccessKey"], flush=True)  # noqa: T201  (what the tests read)
    print("port", port, flush=True)  # noqa: T201  (what the tests read)
    threading.Event().wait()


main()
