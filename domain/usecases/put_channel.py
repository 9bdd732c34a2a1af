"""Set up a way for documents: an access point, a place of files, mail or print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.delivery.channel import SECRETS, Channel, Settings, check, filled
from domain.delivery.dispatch import Form, Way
from domain.feeds.feed import SECRET_MAX, Credential
from domain.ids import ChannelId
from domain.ports.transports import Transports, Vault
from domain.ports.unit import Begin
from domain.ports.webhooks import Http
from domain.refusal import BadValue, Stale
from domain.transports.place import read_place
from domain.usecases.put_feed import REFERENCES


@dataclass(frozen=True, slots=True, kw_only=True)
class PutChannel:
    """A new channel, or what an existing one will be as a whole; ``version`` is the one that was read, 0 of a new one.

    ``credentials`` are secrets, or references (``env:NAME``, ``file:NAME``); one that is left out stays as it is, as
    long as the channel goes to the same host; an empty one is taken away.
    """

    code: str
    way: Way
    forms: tuple[Form, ...]
    settings: Settings = field(default_factory=Settings)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    active: bool = True
    version: int = 0


@operation(Action.MANAGE_OPERATOR)
async def put_channel(
    cmd: PutChannel, *, actor: Actor, begin: Begin, http: Http, transports: Transports, vault: Vault
) -> Channel:
    """Keep a channel; of several active of a form the first takes it. Refuses with: NotAllowed, BadValue, Stale."""
    check_texts(replace(cmd.settings, ca=None))
    channel = check(
        Channel(
            id=ChannelId(0),
            operator=actor.operator,
            code=cmd.code,
            way=cmd.way,
            forms=cmd.forms,
            settings=cmd.settings,
            active=cmd.active,
            version=cmd.version + 1,
        )
    )
    await _check_addresses(channel, http, transports)
    async with begin(actor) as unit:
        known = await unit.channels.claim(cmd.code)
        if (known.version if known else 0) != cmd.version:
            raise Stale("the channel has changed since it was read, or is there already", field="version")
        kept = await unit.channels.put(replace(channel, credentials=_credentials(cmd, channel, known, vault)))
        detail = {"code": kept.code, "way": kept.way.value, "active": kept.active, "version": kept.version}
        await unit.audit.write("put_delivery_channel", f"delivery_channel:{kept.id}", detail)
    return kept


async def _check_addresses(channel: Channel, http: Http, transports: Transports) -> None:
    said = channel.settings
    if channel.way is Way.ACCESS_POINT:
        for url, name in ((said.address, "address"), (said.status_url, "statusUrl"), (said.lookup_url, "lookupUrl")):
            if url:
                await http.check(filled(url, {}), field=name)
    elif said.address:
        place = read_place(said.address, host_keys=said.host_keys, ca=said.ca)
        await transports.check(place, operator=channel.operator)


def _credentials(cmd: PutChannel, channel: Channel, known: Channel | None, vault: Vault) -> dict[str, Credential]:
    kept: dict[str, Credential] = {}
    for name, one in (known.credentials if known else {}).items():
        if name in cmd.credentials:
            continue
        if known is not None and one.reference is None and known.about(name) != channel.about(name):
            raise BadValue("it goes elsewhere now: give the secret again", field=f"credentials.{name}")
        kept[name] = one
    for name, secret in cmd.credentials.items():
        if name not in SECRETS:
            raise BadValue("a channel's secrets are {listed}", listed=", ".join(sorted(SECRETS)), field="credentials")
        if not secret:
            continue
        if len(secret) > SECRET_MAX:
            raise BadValue(
                "a secret has at most {secret_max} characters", secret_max=SECRET_MAX, field=f"credentials.{name}"
            )
        if secret.startswith(REFERENCES):
            vault.check_reference(secret, operator=channel.operator)
            kept[name] = Credential(reference=secret)
        else:
            kept[name] = Credential(sealed=vault.seal(secret, about=channel.about(name)))
    return kept


@operation(Action.MANAGE_OPERATOR)
async def list_channels(*, actor: Actor, begin: Begin) -> Sequence[Channel]:
    """Return the channels by code. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.channels.all()
