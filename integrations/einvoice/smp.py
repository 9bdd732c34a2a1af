"""What a Peppol participant can take: his publisher by DNS (Peppol SML 1.3, BDXL), his documents from it (SMP 1.4).

The name that is looked up is made of a digest of the participant. A NAPTR record names the publisher; where a network
has none yet, the older CNAME does.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote

import dns.asyncresolver
import dns.exception
import dns.resolver
from dns.rdtypes.IN.NAPTR import NAPTR

from domain.ports.transports import TransportFault
from domain.ports.webhooks import Http
from domain.refusal import LimitExceeded, Unreadable
from integrations.einvoice.reading import parse

SCHEME: Final = "iso6523-actorid-upis"
SERVICE: Final = b"meta:smp"
SECONDS: Final = 10.0
_NOBODY: Final = 404


def naptr_name(participant: str, zone: str) -> str:
    """Return the name whose NAPTR record names the participant's publisher.

    >>> naptr_name("0010:5798000000001", "sml.example").partition(".")[0]  # the specification's own example
    'XUKHFQABQZIKI3YKVR2FHR4SNFA3PF5VPQ6K4TONV3LMVSY5ARVQ'
    """
    digest = hashlib.sha256(participant.lower().encode()).digest()
    return f"{base64.b32encode(digest).decode().rstrip('=')}.{SCHEME}.{zone}"


def cname_name(participant: str, zone: str) -> str:
    """Return the name whose CNAME record is the participant's publisher.

    >>> cname_name("0010:5798000000001", "sml.example")
    'B-e49b223851f6e97cbfce4f72c3402aac.iso6523-actorid-upis.sml.example'
    """
    digest = hashlib.md5(participant.lower().encode(), usedforsecurity=False).hexdigest()
    return f"B-{digest}.{SCHEME}.{zone}"


class SmpDirectory:
    """Keeps ``domain.ports.recipients.Recipients``. ``nameservers``: addresses to ask; none: this machine's own."""

    def __init__(
        self, http: Http, nameservers: Sequence[str] = (), *, port: int = 53, seconds: float = SECONDS
    ) -> None:
        self._http = http
        self._nameservers = list(nameservers)
        self._port = port
        self._seconds = seconds

    async def documents(self, participant: str, zone: str, *, ca: str | None = None) -> Sequence[str] | None:
        """Return the types of documents that a participant takes; None: nobody knows him. Raises TransportFault."""
        publisher = await self._publisher(participant, zone)
        if publisher is None:
            return None
        url = f"{publisher.rstrip('/')}/{quote(f'{SCHEME}::{participant}', safe='')}"
        answer = await self._http.ask("GET", url, headers={"accept": "application/xml"}, ca=ca, seconds=self._seconds)
        if answer.status == _NOBODY:
            return None
        if not answer.good:
            raise TransportFault(f"the publisher of {participant} answered {answer.status}")
        try:
            root = parse(answer.body)
        except (Unreadable, LimitExceeded) as no:
            raise TransportFault(f"the publisher of {participant}: {no.message}") from None
        found = (node.get("href", "") for node in root.iter("{*}ServiceMetadataReference"))
        return [unquote(href.partition("/services/")[2]) for href in found if "/services/" in href]

    async def _publisher(self, participant: str, zone: str) -> str | None:
        """Return the address of a participant's publisher; None: there is none."""
        resolver = dns.asyncresolver.Resolver(configure=not self._nameservers)
        if self._nameservers:
            resolver.nameservers, resolver.port = [*self._nameservers], self._port
        try:
            try:
                records = await resolver.resolve(naptr_name(participant, zone), "NAPTR", lifetime=self._seconds)
            except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
                name = cname_name(participant, zone)
                await resolver.resolve(name, "CNAME", lifetime=self._seconds)
                return f"http://{name}"
            return next((url for record in sorted(records, key=_order) if (url := _replaced(record))), None)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        except (dns.exception.DNSException, OSError) as away:
            raise TransportFault(f"{zone} cannot be asked for {participant}: {type(away).__name__}") from None


def _order(record: NAPTR) -> tuple[int, int]:
    return record.order, record.preference


def _replaced(record: NAPTR) -> str | None:
    """Return the address that a U-NAPTR of a publisher stands for (RFC 4848): ``!.*!https://smp.example!``."""
    if record.flags.lower() != b"u" or record.service.lower() != SERVICE:
        return None
    text = record.regexp.decode("ascii", "replace")
    parts = text[1:].split(text[:1]) if text else []
    return parts[1] if len(parts) >= 2 and parts[1].startswith(("https://", "http://")) else None
