"""Register documents of GraphQL: clients ask for them by their SHA-256 and, where that is set, for no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.document import RegisteredDocument
from domain.access.operations import operation
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import NotAllowed


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterDocument:
    """The document as it would be sent; ``name`` is for people."""

    name: str
    document: str


@operation(Action.MANAGE_CLIENTS)
async def register_document(cmd: RegisterDocument, *, actor: Actor, begin: Begin, clock: Clock) -> RegisteredDocument:
    """Register a document, for every client of the operator; the same again changes its name alone.

    Refuses with: NotAllowed, BadValue.
    """
    _check_operators(actor)
    made = RegisteredDocument(operator=actor.operator, name=cmd.name, document=cmd.document, registered_at=clock.now())
    async with begin(actor) as unit:
        kept = await unit.registered.put(made)
        await unit.audit.write("put_document", f"document:{kept.sha256_hex}", {"name": kept.name})
    return kept


@operation(Action.MANAGE_CLIENTS)
async def forget_document(sha256: bytes, *, actor: Actor, begin: Begin) -> RegisteredDocument:
    """Forget a document; whoever asks for it by its SHA-256 is refused then. Refuses with: NotAllowed, NotFound."""
    _check_operators(actor)
    async with begin(actor) as unit:
        gone = await unit.registered.remove(sha256)
        await unit.audit.write("remove_document", f"document:{gone.sha256_hex}", {"name": gone.name})
    return gone


@operation(Action.MANAGE_CLIENTS)
async def list_documents(*, actor: Actor, begin: Begin) -> Sequence[RegisteredDocument]:
    """List registered documents by name. Refuses with: NotAllowed."""
    _check_operators(actor)
    async with begin(actor) as unit:
        return await unit.registered.all()


async def find_document(sha256: bytes, *, actor: Actor, begin: Begin) -> RegisteredDocument | None:
    """Return what a request names by its SHA-256; every caller may ask for what is registered, and does as himself."""
    async with begin(actor) as unit:
        return await unit.registered.find(sha256)


def _check_operators(actor: Actor) -> None:
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself registers documents")
