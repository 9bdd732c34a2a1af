"""Identity providers of an operator or a reseller: made known, changed, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domain.access.actor import Action, Actor
from domain.access.giving import check_gives
from domain.access.identity_provider import IdentityProvider, LevelRule
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, check_texts, given
from domain.ids import IdentityProviderId, ResellerId
from domain.ports.clock import Clock
from domain.ports.oidc import OidcClient
from domain.ports.transports import Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound, Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIdentityProvider:
    """A provider by its issuer, our client there, and who gets which level. ``secret`` None: our client is public."""

    name: str
    issuer: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    rules: tuple[LevelRule, ...] = ()
    makes_users: bool = False
    asks_twice: bool = False
    reseller: ResellerId | None = None


@operation(Action.MANAGE_LEVELS)
async def create_identity_provider(
    cmd: CreateIdentityProvider, *, actor: Actor, begin: Begin, clock: Clock, vault: Vault, oidc: OidcClient
) -> IdentityProvider:
    """Make an identity provider known, which is asked for its discovery document at once.

    Refuses with: NotAllowed (also for a level that gives more than the caller has), BadValue, NotFound (level,
    reseller), Conflict (name).
    """
    check_texts(cmd)
    provider = IdentityProvider(
        id=IdentityProviderId(0),
        operator=actor.operator,
        reseller=actor.reseller if cmd.reseller is None else cmd.reseller,
        name=cmd.name,
        issuer=cmd.issuer,
        client_id=cmd.client_id,
        sealed_secret=None if cmd.secret is None else vault.seal(cmd.secret, about=about(actor.operator, cmd.name)),
        scopes=cmd.scopes,
        rules=cmd.rules,
        makes_users=cmd.makes_users,
        asks_twice=cmd.asks_twice,
        created_at=clock.now(),
    )
    await oidc.check(provider)
    async with begin(actor) as unit:
        await _check_rules(unit, provider, actor)
        kept = await unit.identity_providers.add(provider)
        await unit.audit.write("create_identity_provider", f"identity_provider:{kept.id}", _told(kept))
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeIdentityProvider:
    """What a provider is to be at the version that was read. ``secret`` None: our client there becomes a public one."""

    provider: IdentityProviderId
    version: int
    issuer: Change[str] = UNCHANGED
    client_id: Change[str] = UNCHANGED
    secret: Change[str | None] = field(default=UNCHANGED, repr=False)
    scopes: Change[tuple[str, ...]] = UNCHANGED
    rules: Change[tuple[LevelRule, ...]] = UNCHANGED
    makes_users: Change[bool] = UNCHANGED
    asks_twice: Change[bool] = UNCHANGED
    active: Change[bool] = UNCHANGED


@operation(Action.MANAGE_LEVELS)
async def change_identity_provider(
    cmd: ChangeIdentityProvider, *, actor: Actor, begin: Begin, vault: Vault, oidc: OidcClient
) -> IdentityProvider:
    """Change an identity provider. One of another issuer knows nobody of the old one's people.

    Refuses with: NotAllowed, NotFound, BadValue, Stale.
    """
    check_texts(cmd)
    fields = given(cmd, "issuer", "client_id", "scopes", "rules", "makes_users", "asks_twice", "active")
    async with begin(actor) as unit:
        found = await unit.identity_providers.claim(cmd.provider)
    if isinstance(cmd.secret, str):
        fields["sealed_secret"] = vault.seal(cmd.secret, about=about(actor.operator, found.name))
    elif cmd.secret is None:
        fields["sealed_secret"] = None
    if "issuer" in fields:
        await oidc.check(replace(found, issuer=fields["issuer"]))
    async with begin(actor) as unit:
        before = await unit.identity_providers.claim(cmd.provider)
        if before.version != cmd.version:
            raise Stale("the identity provider was changed by somebody else; read it again", field="version")
        changed = replace(before, **fields)
        await _check_rules(unit, changed, actor)
        kept = await unit.identity_providers.keep(changed)
        if kept.issuer != before.issuer:
            await unit.identity_providers.forget_people(kept.id)
        detail = {"before": _told(before), "after": _told(kept)}
        await unit.audit.write("change_identity_provider", f"identity_provider:{kept.id}", detail)
    return kept


@operation(Action.MANAGE_LEVELS)
async def remove_identity_provider(
    key: IdentityProviderId, *, version: int, actor: Actor, begin: Begin
) -> IdentityProvider:
    """Forget an identity provider; its people's sessions go on until they end, and begin no more there.

    Refuses with: NotAllowed, NotFound, Stale.
    """
    async with begin(actor) as unit:
        found = await unit.identity_providers.claim(key)
        if found.version != version:
            raise Stale("the identity provider was changed by somebody else; read it again", field="version")
        await unit.identity_providers.remove(key)
        await unit.audit.write("remove_identity_provider", f"identity_provider:{key}", {"before": _told(found)})
    return found


@operation(Action.READ_USERS)
async def list_identity_providers(*, actor: Actor, begin: Begin) -> Sequence[IdentityProvider]:
    """Return the identity providers by name, as far as the caller reaches.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return await unit.identity_providers.all()


def about(operator: int, name: str) -> str:
    """Return what a provider's sealed secret is bound to."""
    return f"secret of identity provider {operator}:{name}"


async def _check_rules(unit: Unit, provider: IdentityProvider, actor: Actor) -> None:
    """Look whether the levels are there and the caller may give them; a reseller's may be given to his people."""
    if provider.reseller is not None and provider.reseller not in await unit.resellers.tree():
        raise NotFound("no reseller {key}", key=provider.reseller, field="reseller")
    # Whoever speaks for a provider can sign in as anybody that it signs in, the administrator among them.
    most = "administrator" if provider.reseller is None else "reseller_administrator"
    check_gives(actor, await unit.levels.built_in(most), field="issuer")
    for index, rule in enumerate(provider.rules):
        level = await unit.levels.get(rule.level)
        if level.reseller is not None and level.reseller != provider.reseller:
            raise NotFound("no level {key}", key=rule.level, field=f"rules.{index}.level")
        check_gives(actor, level, field=f"rules.{index}.level")


def _told(provider: IdentityProvider) -> dict[str, object]:
    return {
        "name": provider.name,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "rules": [f"{rule.claim}={rule.value}: {rule.level}" for rule in provider.rules],
        "makes_users": provider.makes_users,
        "asks_twice": provider.asks_twice,
        "active": provider.active,
    }
