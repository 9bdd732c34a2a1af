"""Every protocol by its name, behind the installation's own limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from domain.ports.transports import Transport, TransportFault
from domain.refusal import BadValue
from domain.transports.place import Place, Protocol
from integrations.transports import folder
from integrations.transports.addresses import Network, resolve

OPERATOR: Final = "{operator}"


@dataclass(frozen=True, slots=True)
class KnownTransports:
    """Keeps ``domain.ports.transports.Transports``.

    ``roots``: below which folders of this machine may be used, ``{operator}`` in them for the operator's key;
    ``networks``: private networks that may be reached.
    """

    roots: Sequence[Path] = ()
    networks: Sequence[Network] = ()

    def _roots(self, operator: int | None) -> list[Path]:
        """Return the operator's own roots; without one, those that are everybody's."""
        named = [root for root in self.roots if operator is not None or OPERATOR not in str(root)]
        return [Path(str(root).replace(OPERATOR, str(operator))) for root in named]

    async def check(self, place: Place, *, operator: int | None = None) -> None:
        """Look at an address before it is kept. Refuses with: BadValue; a host that is not known yet may be kept."""
        try:
            if place.protocol is Protocol.FOLDER:
                folder.inside(place.path, self._roots(operator))
            elif place.protocol is not Protocol.S3:
                await resolve(place.host, place.port, self.networks)
            elif place.endpoint is not None:
                await resolve(urlsplit(place.endpoint).hostname or "", 443, self.networks)
        except TransportFault as no:
            if no.lasting:
                raise BadValue(no.message, field="endpoint" if place.endpoint else "address") from None

    def open(
        self, place: Place, credentials: Mapping[str, str], *, operator: int | None = None
    ) -> AbstractAsyncContextManager[Transport]:
        """Connect. Raises TransportFault."""
        # The libraries behind a protocol take a moment to load; only who fetches waits for them.
        if place.protocol is Protocol.FOLDER:
            return folder.opened(place, self._roots(operator))
        if place.protocol is Protocol.SFTP:
            from integrations.transports import sftp  # noqa: PLC0415  (see above)

            return sftp.opened(place, credentials, self.networks)
        if place.protocol is Protocol.S3:
            from integrations.transports import s3  # noqa: PLC0415  (see above)

            return s3.opened(place, credentials, self.networks)
        from integrations.transports import ftp  # noqa: PLC0415  (see above)

        return ftp.opened(place, credentials, self.networks)
