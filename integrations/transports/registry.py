"""Every protocol by its name, behind the installation's own limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from domain.ports.transports import Transport, TransportFault
from domain.refusal import BadValue
from domain.transports.place import Place, Protocol
from integrations.transports import folder
from integrations.transports.addresses import Network, resolve


@dataclass(frozen=True, slots=True)
class KnownTransports:
    """Keeps ``domain.ports.transports.Transports``.

    ``roots``: below which folders of this machine may be used; ``networks``: private networks that may be reached.
    """

    roots: Sequence[Path] = ()
    networks: Sequence[Network] = ()

    async def check(self, place: Place) -> None:
        """Look at an address before it is kept. Refuses with: BadValue; a host that is not known yet may be kept."""
        try:
            if place.protocol is Protocol.FOLDER:
                folder.inside(place.path, self.roots)
            elif place.protocol is not Protocol.S3:
                await resolve(place.host, place.port, self.networks)
            elif place.endpoint is not None:
                await resolve(urlsplit(place.endpoint).hostname or "", 443, self.networks)
        except TransportFault as no:
            if no.lasting:
                raise BadValue(no.message, field="endpoint" if place.endpoint else "address") from None

    def open(self, place: Place, credentials: Mapping[str, str]) -> AbstractAsyncContextManager[Transport]:
        """Connect. Raises TransportFault."""
        # The libraries behind a protocol take a moment to load; only who fetches waits for them.
        if place.protocol is Protocol.FOLDER:
            return folder.opened(place, self.roots)
        if place.protocol is Protocol.SFTP:
            from integrations.transports import sftp  # noqa: PLC0415  (see above)

            return sftp.opened(place, credentials, self.networks)
        if place.protocol is Protocol.S3:
            from integrations.transports import s3  # noqa: PLC0415  (see above)

            return s3.opened(place, credentials, self.networks)
        from integrations.transports import ftp  # noqa: PLC0415  (see above)

        return ftp.opened(place, credentials, self.networks)
