"""TLS towards other sides: their certificates are always checked."""

from __future__ import annotations

import ssl

from domain.ports.transports import TransportFault


def context(ca: str | None) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities, or those of ``ca`` (PEM) alone. Raises TransportFault."""
    try:
        made = ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError):
        raise TransportFault("the CA of the address cannot be read: it is certificates in PEM", lasting=True) from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def why(trouble: ssl.SSLError) -> TransportFault:
    """Return the fault of a handshake. A certificate that does not hold is a person's to mend."""
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return TransportFault(
            f"the certificate is not to be trusted: {trouble.verify_message}; check the host's name, or give its CA",
            lasting=True,
        )
    return TransportFault(f"TLS failed: {trouble.reason or trouble}")
