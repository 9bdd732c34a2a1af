"""What a client can find out by itself: the server's metadata (RFC 8414, OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from api.auth.client_auth import ALGORITHMS, SECRETS
from api.auth.tokens import ALGORITHM
from domain.access.actor import Action
from domain.usecases.issue_code import IDENTITY


def metadata(public_url: str) -> dict[str, object]:
    """Return the metadata of the server at ``public_url``; one document serves both standards."""
    methods = [*SECRETS, "private_key_jwt"]
    document = AuthorizationServerMetadata(
        {
            "issuer": public_url,
            "authorization_endpoint": f"{public_url}/oauth/authorize",
            "token_endpoint": f"{public_url}/oauth/token",
            "userinfo_endpoint": f"{public_url}/oauth/userinfo",
            "revocation_endpoint": f"{public_url}/oauth/revoke",
            "introspection_endpoint": f"{public_url}/oauth/introspect",
            "end_session_endpoint": f"{public_url}/oauth/logout",
            "jwks_uri": f"{public_url}/oauth/jwks",
            "scopes_supported": [*IDENTITY, *(action.value for action in Action)],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": [*methods, "none"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "revocation_endpoint_auth_methods_supported": [*methods, "none"],
            "introspection_endpoint_auth_methods_supported": methods,
            "claims_supported": ["sub", "name", "email", "locale", "auth_time", "amr", "acr", "nonce", "sid"],
        }
    )
    return dict(document)
