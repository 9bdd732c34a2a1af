"""AWS Signature Version 4 for S3 (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

EMPTY: Final = hashlib.sha256(b"").hexdigest()
UNSIGNED: Final = "UNSIGNED-PAYLOAD"


def canonical_query(query: Mapping[str, str]) -> str:
    """Return a query as it is signed and sent.

    >>> canonical_query({"prefix": "a b/", "list-type": "2"})
    'list-type=2&prefix=a%20b%2F'
    """
    return "&".join(f"{quote(key, safe='-_.~')}={quote(query[key], safe='-_.~')}" for key in sorted(query))


def signed(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    payload: str,
    credentials: Mapping[str, str],
    region: str,
    at: datetime,
) -> dict[str, str]:
    """Return the headers with Authorization. ``path`` is encoded already; ``headers`` hold the host.

    ``credentials``: access_key, secret_key, and session_token where there is one; without them nothing is signed.
    """
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    made = {name.lower(): value.strip() for name, value in headers.items()}
    if "access_key" not in credentials:
        return made
    made |= {"x-amz-date": stamp, "x-amz-content-sha256": payload}
    if token := credentials.get("session_token"):
        made["x-amz-security-token"] = token
    names = ";".join(sorted(made))
    lines = "".join(f"{name}:{made[name]}\n" for name in sorted(made))
    request = "\n".join([method, path, canonical_query(query), lines, names, payload])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials['secret_key']}".encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    made["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials['access_key']}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return made
