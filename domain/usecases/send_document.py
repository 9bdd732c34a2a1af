"""Send one document its way: written, checked by its format's rules, handed over once, and followed to its end."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypedDict
from urllib.parse import quote

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.customers.customer import Delivery
from domain.delivery.channel import Body, Capability, Channel, Settings, filled
from domain.delivery.dispatch import ENDED, UNCERTAIN, Dispatch, DispatchState, Form, Way, leaves, moved
from domain.ids import DispatchId
from domain.invoicing.invoice import Invoice
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.documents import Documents, EinvoiceRules, RulesAway
from domain.ports.mail import Attached, Letter, Mailer, MailFault
from domain.ports.transports import TransportFault, Transports, Vault
from domain.ports.unit import Begin, Unit
from domain.ports.webhooks import Answer, Http
from domain.refusal import BadValue, LimitExceeded, Refusal, WrongState
from domain.saying import Said
from domain.telling.documents import invoice_mail
from domain.transports.place import read_place
from domain.usecases.print_batch import opened
from domain.usecases.print_invoice import material_of
from domain.usecases.send_documents import FOLLOW, SEND, tell

HANDING: Final = timedelta(minutes=5)  # a mail server has answered by then, or never will
FOLLOW_DAYS: Final = 14
FOLLOW_EVERY: Final = timedelta(minutes=5)
ANSWER_SECONDS: Final = 30.0
# Answers after which trying again may help (RFC 9110); 409: the other side has the document already.
_PASSING: Final = frozenset({408, 425, 429})
_HAVE_IT: Final = 409
_NOBODY: Final = 404
_THEIR_FAULT: Final = 500
_BAD_DOCUMENT: Final = frozenset({400, 413, 415, 422})
DOCUMENT_TYPES: Final = {
    Form.PEPPOL: "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
    Form.FINVOICE: "Finvoice 3.0",
    Form.OIOUBL: "OIOUBL-2.1",
    Form.PDF: "application/pdf",
}


MAYBE: Final = Said("the mail server may have taken it, or not: ask the customer before you send it again")


class _Given(TypedDict):
    """What every step is given."""

    actor: Actor
    begin: Begin
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """What carries documents: one of each kind."""

    documents: Documents
    rules: EinvoiceRules
    http: Http
    transports: Transports
    mailer: Mailer
    vault: Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaving:
    """A document, the channel that it leaves by, and what carries it."""

    one: Dispatch
    invoice: Invoice
    channel: Channel | None
    carriers: Carriers

    @property
    def settings(self) -> Settings:
        """What the channel does, which there is."""
        assert self.channel is not None
        return self.channel.settings


class Parked(Exception):  # noqa: N818  (an answer: the document does not leave as it is)
    """The document breaks a rule. ``said`` is the cause and what to do."""

    def __init__(self, rule: str, said: str) -> None:
        super().__init__(said)
        self.rule = rule
        self.said = said


class Unsent(Exception):  # noqa: N818  (an answer: it was not taken, and may be later)
    """It was not taken. ``lasting``: nor will it be. ``uncertain``: nobody can tell whether it was."""

    def __init__(self, why: str, *, lasting: bool, rejected: bool = False, uncertain: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.lasting = lasting
        self.rejected = rejected
        self.uncertain = uncertain


@operation(Action.RUN_BILLS)
async def send_document(
    key: DispatchId, carriers: Carriers, *, last: bool = False, actor: Actor, begin: Begin, clock: Clock
) -> Dispatch:
    """Send a queued document; one that is not queued any more is returned as it is.

    Mail has no key by which its server knows a document again: where we went down while it was handed over, it is
    given up as uncertain instead of sent twice. ``last``: nobody tries again.
    Refuses with: NotAllowed, NotFound, WrongState (not taken now; it is tried again).
    """
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if one.state is not DispatchState.QUEUED or one.way is Way.PRINT:
            return one
        if one.handed_at is not None and clock.now() - one.handed_at < HANDING:
            raise WrongState("document {number} is being handed over", number=one.number, field="dispatch")
        invoice = await unit.invoices.get(one.invoice)
        channel = await unit.channels.claim(one.channel) if one.channel else None
        endpoint = invoice.payer.endpoint
        capability = await unit.channels.capability(endpoint) if endpoint else None
    given: _Given = {"actor": actor, "begin": begin, "clock": clock}
    if one.handed_at is not None:
        return await _end(key, DispatchState.FAILED, MAYBE, UNCERTAIN, **given)
    it = _Leaving(one=one, invoice=invoice, channel=channel, carriers=carriers)
    try:
        found = await _able(it, capability, clock)
        if found is not None and found is not capability:
            async with begin(actor) as unit:
                await unit.channels.know(found)
        if found is not None and one.form not in found.forms:
            return await _otherwise(key, channel, **given)
        if one.form is Form.PDF:
            async with begin(actor) as unit:
                material = await material_of(unit, invoice)
            content = await asyncio.to_thread(material.printed, carriers.documents)
        else:
            content = await _checked(it)
        if one.way is Way.MAIL:
            await _note(key, **given)
        sent = await _carry(it, content)
    except Parked as parked:
        return await _end(key, DispatchState.PARKED, parked.said, parked.rule, **given)
    except LimitExceeded as much:  # more calls than a document holds: trying again does not help
        return await _end(key, DispatchState.PARKED, much.message, much.code, **given)
    except Unsent as no:
        if no.uncertain:
            return await _end(key, DispatchState.FAILED, MAYBE, UNCERTAIN, **given)
        if no.rejected or no.lasting or last:
            state = DispatchState.REJECTED if no.rejected else DispatchState.FAILED
            return await _end(key, state, no.why, None, **given)
        async with begin(actor) as unit:
            again = await unit.dispatches.claim(key)
            tried = replace(again, attempts=again.attempts + 1, fault=no.why[:500], handed_at=None)
            await unit.dispatches.keep([tried])
        raise WrongState("document {number} was not taken: {why}", number=one.number, why=no.why) from None
    async with begin(actor) as unit:
        now = clock.now()
        again = await unit.dispatches.claim(key)
        if again.rule == UNCERTAIN:  # given up by somebody else while it was under way: now it is known
            again = replace(again, state=DispatchState.QUEUED, rule=None)
        state, reference = sent
        (kept,) = await unit.dispatches.keep(
            [
                replace(
                    moved(again, state, at=now),
                    reference=reference,
                    attempts=again.attempts + 1,
                    digest=hashlib.sha256(content).digest(),
                )
            ]
        )
        await unit.audit.write("send_document", f"dispatch:{key}", {"number": one.number, "state": state.value})
        await tell(unit, kept)
        if channel is not None and channel.settings.status_url and state not in ENDED:
            await _promise_look(unit, kept, clock)
    return kept


async def _note(key: DispatchId, *, actor: Actor, begin: Begin, clock: Clock) -> None:
    """Note, before it happens, that a document is handed over. Refuses with: WrongState (somebody else does it)."""
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if one.state is not DispatchState.QUEUED or one.handed_at is not None:
            raise WrongState("document {number} is being handed over", number=one.number, field="dispatch")
        await unit.dispatches.keep([replace(one, handed_at=clock.now())])


async def _able(it: _Leaving, known: Capability | None, clock: Clock) -> Capability | None:
    """Return what the recipient can take; None where nobody says."""
    endpoint = it.invoice.payer.endpoint
    if it.channel is None or it.settings.lookup_url is None or not endpoint:
        return None
    if known is not None and known.fresh(clock.now()):
        return known
    answer = await _ask(it, "GET", it.settings.lookup_url)
    if answer.status == _NOBODY:
        forms: tuple[Form, ...] = ()
    elif answer.good:
        listed = _at(_json(answer), it.settings.forms_path)
        said = [str(each) for each in listed] if isinstance(listed, list) else []
        forms = tuple(form for form in DOCUMENT_TYPES if any(_same(each, form) for each in said))
    else:
        return known  # whoever cannot tell does not stop the document
    return Capability(endpoint=endpoint, forms=forms, looked_at=clock.now(), source=it.channel.code)


def _same(said: str, form: Form) -> bool:
    return said.strip().lower() == form.value or DOCUMENT_TYPES[form] in said


async def _otherwise(key: DispatchId, channel: Channel | None, *, actor: Actor, begin: Begin, clock: Clock) -> Dispatch:
    """Send a document whose recipient cannot take it as the channel says, or park it."""
    assert channel is not None
    way = leaves(channel.settings.otherwise) if channel.settings.otherwise else None
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if way is None:
            fetched = channel.settings.otherwise is Delivery.PDF
            state = DispatchState.DELIVERED if fetched else DispatchState.PARKED
            said = "the recipient cannot take this form: choose another delivery for the customer"
            changed = replace(
                moved(one, state, at=clock.now(), fault=None if fetched else said),
                rule=None if fetched else "recipient_cannot",
            )
        else:
            changed = replace(one, form=way[0], way=way[1], channel=None, changed_at=clock.now())
        (kept,) = await unit.dispatches.keep([changed])
        await unit.audit.write("change_dispatch", f"dispatch:{key}", {"form": kept.form.value, "way": kept.way.value})
        await tell(unit, kept)
        if way is not None:
            await unit.jobs.add(NewJob(kind=SEND, payload={"dispatch": key}, dedupe=f"dispatch:{key}/{way[1]}"))
    return kept


async def _checked(it: _Leaving) -> bytes:
    """Write the e-invoice and let the publishers' rules read it. Raises Parked, Unsent."""
    if it.channel is None:
        raise Parked("no_channel", "no active channel takes this form: set one up, and try again")
    own, theirs = it.settings.intermediary, (it.invoice.payer.endpoint or "").partition("@")[2]
    route = (own, theirs) if own and theirs else None
    try:
        content = await asyncio.to_thread(it.carriers.documents.written, it.invoice, it.one.form, route=route)
        broken = await asyncio.to_thread(it.carriers.rules.broken, content)
    except Refusal as no:
        raise Parked(no.code, no.message) from None
    except RulesAway as away:
        raise Unsent(str(away), lasting=False) from None
    if broken is not None:
        raise Parked(*broken)
    return content


async def _carry(it: _Leaving, content: bytes) -> tuple[DispatchState, str | None]:
    """Hand a document over and return its state and the name that the other side gives it. Raises Parked, Unsent."""
    match it.one.way:
        case Way.MAIL:
            return await _mail(it, content)
        case Way.DROP:
            return await _drop(it, content)
    said = it.settings
    body, media = content, "application/xml"
    if said.body is not Body.RAW:
        known = _known(it)
        fields = {name: filled(text, known) for name, text in said.envelope}
        coded = said.body is Body.JSON_BASE64
        fields[said.document_field] = base64.b64encode(content).decode("ascii") if coded else content.decode("utf-8")
        body, media = json.dumps(fields, ensure_ascii=False).encode(), "application/json"
    answer = await _ask(it, "POST", said.address, body, media)
    told = _json(answer)
    reference = _at(told, said.reference_path)
    name = str(reference)[:200] if isinstance(reference, str | int) else None
    if answer.good or answer.status == _HAVE_IT:
        state = _state(_at(told, said.state_path), said.states) or DispatchState.SENT
        if state is DispatchState.REJECTED:
            raise Unsent(_why(answer), lasting=True, rejected=True)
        return state, name
    if answer.status >= _THEIR_FAULT or answer.status in _PASSING:
        raise Unsent(f"the access point answered {answer.status}", lasting=False)
    raise Unsent(_why(answer), lasting=True, rejected=answer.status in _BAD_DOCUMENT)


async def _mail(it: _Leaving, content: bytes) -> tuple[DispatchState, str | None]:
    invoice = it.invoice
    email = (invoice.recipient.email if invoice.recipient is not None else None) or invoice.payer.email
    if not email:
        raise Parked("no_email", "the customer has no e-mail address: give it one, or choose another delivery")
    subject, text = invoice_mail(invoice)
    letter = Letter(
        to=email,
        name=(invoice.recipient or invoice.payer).name,
        subject=subject,
        text=text,
        language=invoice.language,
        attachments=(Attached(name=f"{invoice.number}.pdf", media="application/pdf", content=content),),
        key=f"{it.one.kind.value.replace('_', '-')}-{_known(it)['idempotency_key']}",
    )
    try:
        await it.carriers.mailer.send(letter)
    except MailFault as fault:
        if fault.absent:
            raise Parked("no_mail_server", "no mail server is set: set TOLLWRIGHT_SMTP_HOST, and try again") from None
        raise Unsent(fault.message, lasting=fault.lasting, uncertain=fault.uncertain) from None
    return DispatchState.DELIVERED, None


async def _drop(it: _Leaving, content: bytes) -> tuple[DispatchState, str | None]:
    said, one = it.settings, it.one
    assert it.channel is not None
    name = filled(said.file_name, {**_known(it), "extension": "xml"})

    async def blocks() -> AsyncIterator[bytes]:
        yield content

    try:
        place = read_place(said.address, host_keys=said.host_keys, ca=said.ca)
        secrets = opened(it.channel, it.carriers.vault)
        async with it.carriers.transports.open(place, secrets, operator=one.operator) as transport:
            await transport.put(name, blocks())
    except TransportFault as fault:
        raise Unsent(fault.message, lasting=fault.lasting) from None
    except BadValue as no:
        raise Unsent(no.message, lasting=True) from None
    return DispatchState.SENT, name


async def _ask(it: _Leaving, method: str, url: str, body: bytes = b"", media: str = "application/xml") -> Answer:
    known = _known(it)
    assert it.channel is not None
    try:
        secrets = opened(it.channel, it.carriers.vault)
        headers = {name: filled(text, {**known, **secrets}) for name, text in it.settings.headers}
        headers.setdefault("idempotency-key", known["idempotency_key"])
        if body:
            headers.setdefault("content-type", media)
        if secrets.get("token") and not any(name.lower() == "authorization" for name in headers):
            headers["authorization"] = f"Bearer {secrets['token']}"
        address = filled(url, {name: quote(value, safe="") for name, value in known.items()})
        return await it.carriers.http.ask(
            method, address, headers=headers, body=body, ca=it.settings.ca, seconds=ANSWER_SECONDS
        )
    except TransportFault as fault:
        raise Unsent(fault.message, lasting=fault.lasting) from None


def _known(it: _Leaving) -> dict[str, str]:
    one, invoice = it.one, it.invoice
    return {
        "number": one.number,
        "kind": one.kind.value,
        "form": one.form.value,
        "sender": (invoice.seller.endpoint or "").partition("@")[0],
        "recipient": (invoice.payer.endpoint or "").partition("@")[0],
        "document_type": DOCUMENT_TYPES[one.form],
        "reference": one.reference or "",
        # The same however often it is tried, another where it is sent again on purpose.
        "idempotency_key": f"{one.operator}-{one.invoice}-{one.again}",
    }


@operation(Action.RUN_BILLS)
async def follow_document(key: DispatchId, carriers: Carriers, *, actor: Actor, begin: Begin, clock: Clock) -> Dispatch:
    """Ask what became of a document that was sent, until it is at an end. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if one.state not in {DispatchState.SENT, DispatchState.ACCEPTED} or one.channel is None:
            return one
        channel = await unit.channels.claim(one.channel)
        invoice = await unit.invoices.get(one.invoice)
    if channel is None or channel.settings.status_url is None:
        return one
    state, why = None, None
    try:
        it = _Leaving(one=one, invoice=invoice, channel=channel, carriers=carriers)
        answer = await _ask(it, "GET", channel.settings.status_url)
        if answer.good:
            state = _state(_at(_json(answer), channel.settings.state_path), channel.settings.states)
            why = _why(answer) if state is DispatchState.REJECTED else None
    except Unsent:
        state = None  # asked again later
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        now = clock.now()
        if state is not None and state is not one.state and one.state not in ENDED and state is not DispatchState.SENT:
            (one,) = await unit.dispatches.keep([moved(one, state, at=now, fault=why)])
            await unit.audit.write("take_receipts", f"dispatch:{key}", {"number": one.number, "state": state.value})
            await tell(unit, one)
        if one.state not in ENDED and now - one.queued_at < timedelta(days=FOLLOW_DAYS):
            await _promise_look(unit, one, clock)
    return one


async def _promise_look(unit: Unit, one: Dispatch, clock: Clock) -> None:
    at = clock.now() + FOLLOW_EVERY
    dedupe = f"dispatch:{one.id}@{at:%Y%m%d%H%M}"
    await unit.jobs.add(NewJob(kind=FOLLOW, payload={"dispatch": one.id}, dedupe=dedupe, run_at=at))


async def _end(
    key: DispatchId, state: DispatchState, why: str, rule: str | None, *, actor: Actor, begin: Begin, clock: Clock
) -> Dispatch:
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        (kept,) = await unit.dispatches.keep(
            [replace(moved(one, state, at=clock.now(), fault=why), rule=rule, attempts=one.attempts + 1)]
        )
        verb = "park_document" if state is DispatchState.PARKED else "fail_document"
        await unit.audit.write(verb, f"dispatch:{key}", {"number": one.number, "rule": rule, "fault": why[:500]})
        await tell(unit, kept)
    return kept


def _state(said: object, words: tuple[tuple[str, str], ...]) -> DispatchState | None:
    """Return our state for their word; their own words where none are given."""
    if not isinstance(said, str | int):
        return None
    ours = {theirs.lower(): mine for theirs, mine in words}.get(str(said).lower())
    if ours is None and not words and str(said).lower() in {"sent", "accepted", "delivered", "rejected"}:
        ours = str(said).lower()
    return None if ours is None else DispatchState(ours)


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _at(told: Any, path: str) -> Any:
    for name in path.split("."):
        told = told.get(name) if isinstance(told, Mapping) else None
    return told


def _why(answer: Answer) -> str:
    text = " ".join(answer.body[:400].decode("utf-8", "replace").split())
    clean = "".join(letter for letter in text if letter.isprintable())
    return f"{answer.status} {clean}".strip()[:500]
