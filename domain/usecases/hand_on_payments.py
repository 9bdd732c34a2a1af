"""Hand payment files on to the operator's own other system: each file once to each target, after its commit.

The file goes under its number and name; dying between the copy and its mark, it is copied again under the same name.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import OperatorId, PaymentFileId
from domain.jobs.job import NewJob
from domain.payments.handing_on import HandOn, Target, check
from domain.payments.payment import StoredFile
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.transports import Transports, Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Stale
from domain.transports.place import CREDENTIALS, Place, read_place

KIND: Final = "hand_on_payments"
TARGETS_MAX: Final = 20
BLOCK_BYTES: Final = 1 << 20
_OTHER: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTarget:
    """A new target, or what one will be as a whole; ``version`` 0: a new one. Secrets are references alone."""

    name: str
    address: str
    host_keys: tuple[str, ...] = ()
    ca: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    active: bool = True
    version: int = 0


@operation(Action.MANAGE_FEEDS)
async def put_target(cmd: PutTarget, *, actor: Actor, begin: Begin, transports: Transports, vault: Vault) -> Target:
    """Keep a target. Files that were taken in before it was there are not handed on.

    Refuses with: NotAllowed, BadValue, Stale (version, also where there is one of this name).
    """
    place = read_place(cmd.address, host_keys=cmd.host_keys, ca=cmd.ca)
    await transports.check(place, operator=actor.operator)
    check_references(place, cmd.credentials, vault, operator=actor.operator)
    target = check(
        Target(
            id=0,
            operator=actor.operator,
            name=cmd.name,
            address=place.address,
            host_keys=cmd.host_keys,
            ca=cmd.ca,
            credentials=dict(cmd.credentials),
            active=cmd.active,
        )
    )
    async with begin(actor) as unit:
        await unit.payments.lock()
        known_ones = await unit.giro.targets.find(name=cmd.name)
        if (known_ones[0].version if known_ones else 0) != cmd.version:
            raise Stale("the target has changed since it was read, or is there already", field="version")
        if known_ones:
            kept = await unit.giro.targets.put(replace(target, id=known_ones[0].id, version=cmd.version))
        elif len(await unit.giro.targets.find()) >= TARGETS_MAX:
            raise BadValue("there are {most} targets at most", most=TARGETS_MAX, field="name")
        else:
            kept = await unit.giro.targets.add(target)
        detail = {"name": kept.name, "address": kept.address, "active": kept.active}
        await unit.audit.write("put_payment_target", f"payment_target:{kept.id}", detail)
    return kept


def check_references(place: Place, credentials: Mapping[str, str], vault: Vault, *, operator: OperatorId) -> None:
    """Look at the references to the secrets of a place. Refuses with: BadValue (one it does not take, or elsewhere)."""
    for name, reference in credentials.items():
        if name not in CREDENTIALS[place.protocol]:
            known = ", ".join(sorted(CREDENTIALS[place.protocol])) or "none"
            raise BadValue(
                "{value} takes the credentials {known}",
                value=place.protocol.value,
                known=known,
                field=f"credentials.{name[:40]}",
            )
        vault.check_reference(reference, operator=operator)


@operation(Action.MANAGE_FEEDS)
async def list_targets(*, actor: Actor, begin: Begin) -> Sequence[Target]:
    """Return the targets. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.targets.find()


async def promise_hand_on(unit: Unit, file: StoredFile) -> None:
    """Promise that a file that is taken in goes to every target, in the transaction that takes it."""
    # A place that our orders go to is a bank's: it gets nothing that banks told us.
    banks = {one.target for one in await unit.giro.schedules.find()}
    targets = [one for one in await unit.giro.targets.find(active=True) if one.name not in banks]
    if not targets:
        return
    for target in targets:
        await unit.giro.hand_ons.add(HandOn(id=0, operator=file.operator, target=target.id, file=file.id))
    await unit.jobs.add(NewJob(kind=KIND, payload={"file": file.id}, dedupe=f"payment_file:{file.id}"))


@operation(Action.MANAGE_FEEDS)
async def hand_on_payments(
    key: PaymentFileId, *, actor: Actor, begin: Begin, clock: Clock, transports: Transports, vault: Vault, blobs: Blobs
) -> int:
    """Put a file where it is promised and not yet; return into how many targets. Raises TransportFault."""
    async with begin(actor) as unit:
        file = await unit.payments.file(key)
        waiting = await unit.giro.hand_ons.find(file=key, done_at=None)
        targets = {one.id: one for one in await unit.giro.targets.find(id=[one.target for one in waiting])}
    for one in waiting:
        target = targets[one.target]
        place = read_place(target.address, host_keys=target.host_keys, ca=target.ca)
        secrets = {
            name: vault.refer(reference, operator=actor.operator) for name, reference in target.credentials.items()
        }
        async with transports.open(place, secrets, operator=actor.operator) as transport:
            await transport.put(name_of(file), _blocks(blobs, file.sha256))
        async with begin(actor) as unit:
            await unit.giro.hand_ons.put(replace(one, done_at=clock.now()))
            await unit.audit.write("hand_on_payments", f"payment_file:{key}", {"target": target.name})
    return len(waiting)


def name_of(file: StoredFile) -> str:
    """Return what a file is called in its target: nothing but letters, digits and ._-, and never hidden."""
    return f"{file.id:08d}-{_OTHER.sub('_', file.name)[-100:]}"


async def _blocks(blobs: Blobs, sha256: bytes) -> AsyncIterator[bytes]:
    with await blobs.open(sha256) as content:
        while block := content.read(BLOCK_BYTES):
            yield block
