"""Hand one document over: by mail, into a folder, or to an access point, and read what the other side says."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from domain.delivery.channel import Body, Capability, Channel, Settings, filled, named
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way
from domain.invoicing.invoice import DocumentKind, Invoice
from domain.ports.clock import Clock
from domain.ports.documents import Documents, EinvoiceRules, RulesAway
from domain.ports.mail import Attached, Letter, Mailer, MailFault
from domain.ports.recipients import Recipients
from domain.ports.transports import TransportFault, Transports, Vault
from domain.ports.webhooks import Answer, Http
from domain.refusal import BadValue, Refusal
from domain.telling.documents import invoice_mail
from domain.transports.place import read_place
from domain.usecases.print_batch import opened

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

SELF_BILLING: Final = "urn:fdc:peppol.eu:2017:poacc:selfbilling:3.0"
_ROOTS: Final = {"Invoice": DocumentKind.INVOICE, "CreditNote": DocumentKind.CREDIT_NOTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """What carries documents: one of each kind."""

    documents: Documents
    rules: EinvoiceRules
    http: Http
    transports: Transports
    mailer: Mailer
    vault: Vault
    recipients: Recipients


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
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


async def checked(it: Leaving) -> bytes:
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


async def able(it: Leaving, known: Capability | None, clock: Clock) -> Capability | None:
    """Return what the recipient can take; None where nobody says."""
    endpoint = it.invoice.payer.endpoint
    if it.channel is None or not endpoint or (it.settings.lookup_url is None and it.settings.sml is None):
        return None
    if known is not None and known.fresh(clock.now()):
        return known
    said = await _listed(it, endpoint)
    if said is None:
        return known  # whoever cannot tell does not stop the document
    forms = tuple(form for form in DOCUMENT_TYPES if any(_same(each, form) for each in said))
    return Capability(
        endpoint=endpoint,
        forms=forms,
        looked_at=clock.now(),
        source=it.channel.code,
        documents=tuple(sorted({name for each in said for name in _kinds(each)})),
    )


async def _listed(it: Leaving, endpoint: str) -> Sequence[str] | None:
    """Return the types of documents that the recipient takes; None: nobody can tell. Raises Unsent."""
    if it.settings.sml is not None:
        participant = endpoint.partition("@")[0]
        try:
            return await it.carriers.recipients.documents(participant, it.settings.sml, ca=it.settings.ca) or ()
        except TransportFault:
            return None
    answer = await _ask(it, "GET", it.settings.lookup_url or "")
    if answer.status == _NOBODY:
        return ()
    if not answer.good:
        return None
    listed = _at(_json(answer), it.settings.forms_path)
    return [str(each) for each in listed] if isinstance(listed, list) else ()


def _same(said: str, form: Form) -> bool:
    """Tell whether a type of documents is a form's: by our word, or as networks name it, an extension of it not."""
    kind = DOCUMENT_TYPES[form]
    return said.strip().lower() == form.value or said.strip().endswith(kind) or f"{kind}::" in said


def _kinds(said: str) -> Iterator[str]:
    """Yield the kind of document that a type of a network names, by the root before its specification."""
    root, _, specification = said.strip().rpartition("##")
    for form in (Form.PEPPOL, Form.OIOUBL):
        billed = form is Form.PEPPOL and SELF_BILLING in specification
        if not (billed or _same(specification, form)):
            continue
        for name, kind in _ROOTS.items():
            if root.endswith(f"::{name}"):
                yield named(form, kind, self_billed=billed)


async def carry(it: Leaving, content: bytes) -> tuple[DispatchState, str | None]:
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


async def told_of(it: Leaving) -> tuple[DispatchState | None, str | None]:
    """Ask what became of a document that was handed over; return its state, None where nobody says, and why not."""
    assert it.settings.status_url is not None
    try:
        answer = await _ask(it, "GET", it.settings.status_url)
    except Unsent:
        return None, None  # asked again later
    state = _state(_at(_json(answer), it.settings.state_path), it.settings.states) if answer.good else None
    return state, _why(answer) if state is DispatchState.REJECTED else None


async def _mail(it: Leaving, content: bytes) -> tuple[DispatchState, str | None]:
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


async def _drop(it: Leaving, content: bytes) -> tuple[DispatchState, str | None]:
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


async def _ask(it: Leaving, method: str, url: str, body: bytes = b"", media: str = "application/xml") -> Answer:
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


def _known(it: Leaving) -> dict[str, str]:
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
