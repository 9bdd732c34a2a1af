"""What makes an API client a portal, and the keys it signs with, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.access.client import ApiClient, Portal


def extras_from_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``ApiClient`` that its columns ``portal``, ``jwks`` and ``sealed_secret`` hold."""
    portal = None if row["portal"] is None else json.loads(row["portal"])
    return {
        "portal": None
        if portal is None
        else Portal(
            redirect_uris=tuple(portal["redirect_uris"]),
            origins=tuple(portal["origins"]),
            login_url=portal["login_url"],
            public=portal["public"],
        ),
        "jwks": None if row["jwks"] is None else json.loads(row["jwks"]),
        "sealed_secret": None if row["sealed_secret"] is None else bytes(row["sealed_secret"]),
    }


def extras_to_row(client: ApiClient) -> dict[str, Any]:
    """Return the columns ``portal``, ``jwks`` and ``sealed_secret`` of a client."""
    portal = client.portal
    told = None
    if portal is not None:
        told = {
            "redirect_uris": list(portal.redirect_uris),
            "origins": list(portal.origins),
            "login_url": portal.login_url,
            "public": portal.public,
        }
    return {
        "portal": None if told is None else json.dumps(told),
        "jwks": None if client.jwks is None else json.dumps(client.jwks),
        "sealed_secret": client.sealed_secret,
    }
