"""Set up network elements: which orders go there, and how they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.subscription import SubscriptionKind
from domain.feeds.feed import SECRET_MAX, Credential
from domain.ids import ElementId
from domain.ports.clock import Clock
from domain.ports.provisioning import Network
from domain.ports.transports import Vault
from domain.ports.unit import Begin
from domain.provisioning.element import CREDENTIALS, ELEMENTS_MAX, ElementKind, NetworkElement, check
from domain.provisioning.order import OrderKind
from domain.provisioning.template import Template
from domain.refusal import BadValue, LimitExceeded, NotFound, Stale
from domain.webhooks.signature import read_secret

REFERENCES = ("env:", "file:")


@dataclass(frozen=True, slots=True, kw_only=True)
class PutElement:
    """A new element, or what an existing one will be as a whole; ``version`` is the one that was read, 0 of a new one.

    ``credentials`` are secrets or references (``env:NAME``, ``file:NAME``); one that is left out stays as it is, as
    long as the address does; an empty one is taken away.
    """

    name: str
    kind: ElementKind
    address: str | None = None
    orders: tuple[OrderKind, ...] = ()
    lines: tuple[SubscriptionKind, ...] = ()
    position: int = 100
    templates: tuple[Template, ...] = ()
    wsdl: str | None = field(default=None, repr=False)
    ca: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    instruction: str | None = None
    undoable: bool = True
    tries_max: int = 5
    retry_seconds: int = 5
    request_seconds: int = 10
    answer_seconds: int = 300
    active: bool = True
    version: int = 0


_SAME = (
    *("name", "kind", "address", "orders", "lines", "position", "templates", "wsdl", "ca", "instruction", "undoable"),
    *("tries_max", "retry_seconds", "request_seconds", "answer_seconds", "active"),
)


@operation(Action.MANAGE_NETWORK)
async def put_element(
    cmd: PutElement, *, actor: Actor, begin: Begin, clock: Clock, network: Network, vault: Vault
) -> NetworkElement:
    """Keep an element. Orders that have begun keep the steps they have.

    Refuses with: NotAllowed, BadValue, Stale (version, also where there is one of this name), LimitExceeded.
    """
    now = clock.now()
    asked = NetworkElement(
        id=ElementId(0),
        operator=actor.operator,
        credentials={name: Credential() for name in cmd.credentials},
        created_at=now,
        changed_at=now,
        **{name: getattr(cmd, name) for name in _SAME},
    )
    async with begin(actor) as unit:
        known = {one.name: one for one in await unit.elements.all()}
    there = known.get(cmd.name)
    kept_names = {name for name in (there.credentials if there else {}) if name in CREDENTIALS[cmd.kind]}
    names = kept_names | set(cmd.credentials)
    await network.check(check(replace(asked, credentials={name: Credential() for name in names})))
    async with begin(actor) as unit:
        before = await unit.elements.claim(cmd.name)
        if (before.version if before else 0) != cmd.version:
            raise Stale("the element has changed since it was read, or is there already", field="version")
        if before is None and len(known) >= ELEMENTS_MAX:
            raise LimitExceeded("an operator has at most {most} network elements", most=ELEMENTS_MAX)
        element = check(
            replace(
                asked,
                id=before.id if before else ElementId(0),
                credentials=_credentials(cmd, asked, before, vault),
                version=cmd.version + 1,
                created_at=before.created_at if before else now,
            )
        )
        kept = await unit.elements.put(element)
        changed = _SAME if before is None else [name for name in _SAME if getattr(before, name) != getattr(kept, name)]
        detail = {"name": kept.name, "kind": kept.kind.value, "version": kept.version, "changed": list(changed)}
        await unit.audit.write("put_element", f"element:{kept.id}", detail)
    return kept


@operation(Action.MANAGE_NETWORK)
async def remove_element(name: str, version: int, *, actor: Actor, begin: Begin) -> NetworkElement:
    """Forget an element with its secrets; steps that still need it fail. Refuses with: NotAllowed, NotFound, Stale."""
    async with begin(actor) as unit:
        known = await unit.elements.claim(name)
        if known is None:
            raise NotFound("no such network element", field="name")
        if known.version != version:
            raise Stale("the element has changed since it was read", field="version")
        await unit.elements.remove(known)
        await unit.audit.write("remove_element", f"element:{known.id}", {"name": name, "version": version})
    return known


@operation(Action.MANAGE_NETWORK)
async def list_elements(*, actor: Actor, begin: Begin) -> Sequence[NetworkElement]:
    """Return the operator's elements by name. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.elements.all()


@operation(Action.MANAGE_NETWORK)
async def get_element(name: str, *, actor: Actor, begin: Begin) -> NetworkElement:
    """Return an element. Refuses with: NotAllowed, NotFound."""
    found = next((one for one in await list_elements(actor=actor, begin=begin) if one.name == name), None)
    if found is None:
        raise NotFound("no such network element", field="name")
    return found


def _credentials(
    cmd: PutElement, asked: NetworkElement, before: NetworkElement | None, vault: Vault
) -> dict[str, Credential]:
    """Return the element's credentials: those given sealed, the others as they were."""
    kept: dict[str, Credential] = {}
    for name, one in (before.credentials if before else {}).items():
        if name not in CREDENTIALS[asked.kind]:
            continue
        if one.reference is not None or (before is not None and before.about(name) == asked.about(name)):
            kept[name] = one
        elif name not in cmd.credentials:
            raise BadValue("it goes elsewhere now: give the secret again", field=f"credentials.{name}")
    for name, secret in cmd.credentials.items():
        if not secret:
            kept.pop(name, None)
        elif len(secret) > SECRET_MAX:
            raise BadValue("a secret has at most {most} characters", most=SECRET_MAX, field=f"credentials.{name}")
        elif secret.startswith(REFERENCES):
            vault.check_reference(secret, operator=asked.operator)
            kept[name] = Credential(reference=secret)
        else:
            if name == "secret":
                read_secret(secret, field="credentials.secret")
            kept[name] = Credential(sealed=vault.seal(secret, about=asked.about(name)))
    return kept
