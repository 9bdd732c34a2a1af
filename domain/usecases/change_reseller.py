"""Change a reseller: his name, who stands on his documents, and the picture there."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import ResellerId
from domain.ports.unit import Begin
from domain.refusal import NotFound, Stale, Unreadable
from domain.resellers.reseller import Reseller, Seller, check
from domain.usecases.define_fields import checked_fields

LOGO_BYTES_MAX: Final = 200_000
LOGO_PIXELS_MAX: Final = 2_000
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReseller:
    """A change of the fields that are given. ``version`` is the one that the caller has read.

    A ``seller`` replaces the whole; None: he no longer sells in his own name.
    """

    reseller: ResellerId
    version: int
    code: Change[str] = UNCHANGED
    name: Change[str] = UNCHANGED
    seller: Change[Seller | None] = UNCHANGED
    fields: Change[FieldChanges] = UNCHANGED


@operation(Action.WRITE_CUSTOMERS)
async def change_reseller(cmd: ChangeReseller, *, actor: Actor, begin: Begin) -> Reseller:
    """Change what is given and leave the rest. Documents issued stay as they are.

    Refuses with: NotAllowed, NotFound (reseller, logo), Stale, BadValue, Conflict (code).
    """
    check_texts(cmd)
    changes: dict[str, Any] = given(cmd, "code", "name", "seller", "fields")
    async with begin(actor) as unit:
        await unit.resellers.hold_tree()
        reseller = (await unit.resellers.tree()).get(cmd.reseller)
        if reseller is None:
            raise NotFound("no reseller {key}", key=cmd.reseller, field="reseller")
        if reseller.version != cmd.version:
            raise Stale(
                "the reseller is at version {version}; read it again", version=reseller.version, field="version"
            )
        if "fields" in changes:
            changes["fields"] = await checked_fields(
                unit, Aggregate.RESELLER, changes["fields"], before=reseller.fields
            )
        changed = check(replace(reseller, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(reseller, name)]
        if not different:
            return reseller
        logo = changed.seller.logo if changed.seller is not None else None
        if logo is not None and await unit.resellers.logo(logo) is None:
            raise NotFound("no such picture was put", field="seller.logo")
        kept = await unit.resellers.keep(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_reseller", f"reseller:{kept.id}", detail)
    return kept


@operation(Action.WRITE_CUSTOMERS)
async def put_logo(content: bytes, *, actor: Actor, begin: Begin) -> str:
    """Keep a picture for documents and return the SHA-256 it is named by from now on. The same again changes nothing.

    Refuses with: NotAllowed, Unreadable (not a PNG, too large).
    """
    if len(content) > LOGO_BYTES_MAX:
        raise Unreadable("a picture has at most {most} bytes", most=LOGO_BYTES_MAX, field="content")
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or len(content) < 33:
        raise Unreadable("this is not a PNG picture (ISO/IEC 15948)", field="content")
    width, height = struct.unpack(">II", content[16:24])
    if not (0 < width <= LOGO_PIXELS_MAX and 0 < height <= LOGO_PIXELS_MAX):
        raise Unreadable("a picture is at most {most} pixels wide and high", most=LOGO_PIXELS_MAX, field="content")
    name = hashlib.sha256(content).hexdigest()
    async with begin(actor) as unit:
        if await unit.resellers.logo(name) is None:
            await unit.resellers.put_logo(name, content)
            await unit.audit.write("put_logo", f"logo:{name}", {"bytes": len(content)})
    return name
