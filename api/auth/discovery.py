"""What a client can find out by itself: the authorisation server's metadata (RFC 8414)."""

from __future__ import annotations

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from api.auth.token_endpoint import METHODS
from domain.access.actor import Action


def metadata(public_url: str) -> dict[str, object]:
    """Return the metadata of the server at ``public_url``."""
    document = AuthorizationServerMetadata(
        {
            "issuer": public_url,
            "token_endpoint": f"{public_url}/oauth/token",
            "jwks_uri": f"{public_url}/oauth/jwks",
            "scopes_supported": [action.value for action in Action],
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": list(METHODS),
        }
    )
    return dict(document)
