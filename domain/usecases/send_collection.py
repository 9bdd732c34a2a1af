"""Send what collection has written: letters to payers, and messages of cases to agencies; each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.collection.progress import Agency, Letter, LetterState, MessageKind
from domain.collection.rules import Channel
from domain.customers.customer import Customer
from domain.ids import CollectionLetterId, CollectionMessageId, InvoiceId
from domain.operators import Operator
from domain.ports import mail
from domain.ports.clock import Clock
from domain.ports.documents import Documents, EinvoiceRules, RulesAway
from domain.ports.ledger_papers import LedgerPapers
from domain.ports.mail import Attached, Mailer, MailFault
from domain.ports.page import Page, PageRequest
from domain.ports.texts import Text, Texter, TextFault
from domain.ports.transports import TransportFault, Transports, Vault
from domain.ports.unit import Begin
from domain.refusal import BadValue, Unreadable, WrongState
from domain.transports.place import read_place
from domain.usecases.print_invoice import print_invoice

LETTERS_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """How letters go out."""

    mailer: Mailer
    texter: Texter
    papers: LedgerPapers


@operation(Action.READ_PAYMENTS)
async def list_letters(
    request: PageRequest, *, actor: Actor, begin: Begin, state: LetterState | None = None
) -> Page[Letter]:
    """List letters of collection by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.collection.letters.page(request, state=state)


@operation(Action.READ_PAYMENTS)
async def print_letter(
    key: CollectionLetterId, *, actor: Actor, begin: Begin, papers: LedgerPapers
) -> tuple[Letter, bytes]:
    """Return a letter of collection and its PDF, made anew. Refuses with: NotAllowed, NotFound."""
    letter, customer, operator = await _letter(key, actor, begin)
    return letter, await asyncio.to_thread(papers.letter_pdf, letter, customer, operator)


@operation(Action.READ_PAYMENTS)
async def write_reminder(
    key: CollectionLetterId,
    *,
    number: str | None = None,
    actor: Actor,
    begin: Begin,
    papers: LedgerPapers,
    rules: EinvoiceRules,
) -> tuple[Letter, bytes]:
    """Return what a letter says of an invoice as EHF's reminder, for Norwegian payers in Peppol; checked by its rules.

    ``number`` names the invoice where the letter is about several. Refuses with: NotAllowed, NotFound, BadValue (no
    Norwegian seller, no address in Peppol, several invoices, a broken rule), WrongState (the rules cannot be run now).
    """
    letter, _, operator = await _letter(key, actor, begin)
    if operator.country != "NO":
        raise BadValue("EHF's reminders are of Norwegian sellers", field="id")
    rows = [row for row in letter.content["rows"] if number in {None, row["number"]}]
    if len(rows) != 1:
        listed = ", ".join(row["number"] for row in letter.content["rows"])
        raise BadValue("name one invoice of the letter: {listed}", listed=listed, field="invoice")
    async with begin(actor) as unit:
        invoice = await unit.invoices.get(InvoiceId(rows[0]["invoice"]))
    content = await asyncio.to_thread(papers.letter_ehf, letter, rows[0], invoice)
    try:
        broken = await asyncio.to_thread(rules.broken, content)
    except RulesAway as away:
        raise WrongState("the rules cannot be run now: {why}", why=str(away)) from None
    if broken is not None:
        raise BadValue("{rule}: {cause}", rule=broken[0], cause=broken[1], field="id")
    return letter, content


@operation(Action.WRITE_PAYMENTS)
async def note_letters_sent(
    keys: Sequence[CollectionLetterId], *, actor: Actor, begin: Begin, clock: Clock
) -> Sequence[Letter]:
    """Note that letters were printed and posted; one that was sent before stays as it is.

    Refuses with: NotAllowed, NotFound, WrongState (more than 500 at a time).
    """
    if len(keys) > LETTERS_MAX:
        raise WrongState("at most {most} letters at a time", most=LETTERS_MAX, field="letters")
    now = clock.now()
    async with begin(actor) as unit:
        found = []
        for key in keys:
            letter = await unit.collection.letters.get(key)
            if letter.state is not LetterState.SENT:
                letter = await unit.collection.letters.put(
                    replace(letter, state=LetterState.SENT, sent_at=now, fault=None)
                )
                await unit.audit.write("send_letter", f"letter:{key}", {"channel": letter.channel.value})
            found.append(letter)
    return found


@operation(Action.WRITE_PAYMENTS)
async def send_letter(key: CollectionLetterId, *, actor: Actor, begin: Begin, clock: Clock, post: Post) -> str:
    """Send a letter by mail or text message, and return what became of it.

    A letter on paper waits for who prints it, as does one to somebody without an address to send it to.
    Refuses with: NotAllowed, NotFound, WrongState (not taken yet: it is tried again).
    """
    letter, customer, operator = await _letter(key, actor, begin)
    if letter.state is LetterState.SENT:
        return "sent before"
    subject, text, short = post.papers.letter_text(letter, operator)
    to = customer.recipient.email if customer.recipient and customer.recipient.email else customer.email
    fault: str | None = None
    try:
        if letter.channel is Channel.EMAIL and to:
            pdf = await asyncio.to_thread(post.papers.letter_pdf, letter, customer, operator)
            attached = Attached(name=f"{letter.kind.value}-{letter.id}.pdf", media="application/pdf", content=pdf)
            await post.mailer.send(
                mail.Letter(
                    to=to,
                    name=customer.name,
                    subject=subject,
                    text=text,
                    language=str(letter.content["language"]),
                    attachments=(attached,),
                    key=f"collection-{operator.id}-{letter.id}",
                )
            )
        elif letter.channel is Channel.SMS and customer.phone:
            digits = "".join(each for each in customer.phone if each.isdigit())
            await post.texter.send(Text(to=digits, text=short, key=f"collection-{operator.id}-{letter.id}"))
        else:
            return "waits to be printed"
    except (MailFault, TextFault) as no:
        if not no.lasting:
            raise WrongState("the letter was not taken yet: {why}", why=no.message) from None
        fault = no.message
    async with begin(actor) as unit:
        now = await unit.collection.letters.get(key)
        if now.state is not LetterState.SENT:
            state = LetterState.FAILED if fault else LetterState.SENT
            at = None if fault else clock.now()
            await unit.collection.letters.put(replace(now, state=state, sent_at=at, fault=fault))
            detail = {"channel": letter.channel.value, "customer": customer.id}
            await unit.audit.write("fail_letter" if fault else "send_letter", f"letter:{key}", detail)
    return fault or "sent"


async def _letter(key: CollectionLetterId, actor: Actor, begin: Begin) -> tuple[Letter, Customer, Operator]:
    async with begin(actor) as unit:
        letter = await unit.collection.letters.get(key)
        return letter, await unit.customers.get(letter.customer), await unit.operators.own()


@operation(Action.WRITE_PAYMENTS)
async def send_message(
    key: CollectionMessageId,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    papers: LedgerPapers,
    documents: Documents,
    transports: Transports,
    vault: Vault,
) -> str:
    """Put a message of a case where its agency fetches it, a new case with copies of its invoices before it.

    Files have the same names whenever it is tried again, so that nothing comes twice.
    Refuses with: NotAllowed, NotFound, WrongState (the place is away: it is tried again), Unreadable (never).
    """
    async with begin(actor) as unit:
        message = await unit.collection.messages.get(key)
        case = await unit.collection.cases.get(message.of_case)
        known = await unit.collection.agencies.find(name=case.agency)
    if message.sent_at is not None:
        return "sent before"
    if not known:
        raise Unreadable("the agency {name} is not there any more", name=case.agency)
    name, content = papers.case_file(message, known[0].format)
    files: list[tuple[str, bytes]] = []
    if message.kind is MessageKind.NEW:
        for invoice in case.invoices:
            printed, pdf = await print_invoice(InvoiceId(invoice), actor=actor, begin=begin, documents=documents)
            files.append((f"case-{case.id}-{printed.number}.pdf", pdf))
    await _put(known[0], [*files, (name, content)], transports, vault)
    async with begin(actor) as unit:
        now = await unit.collection.messages.get(key)
        if now.sent_at is None:
            await unit.collection.messages.put(replace(now, sent_at=clock.now()))
            detail = {"number": message.number, "kind": message.kind.value, "agency": case.agency}
            await unit.audit.write("send_collection", f"collection:{case.id}", detail)
    return "sent"


async def _put(agency: Agency, files: Sequence[tuple[str, bytes]], transports: Transports, vault: Vault) -> None:
    try:
        place = read_place(agency.address, host_keys=agency.host_keys)
        secrets: Mapping[str, str] = {
            name: vault.refer(reference, operator=agency.operator) for name, reference in agency.credentials.items()
        }
        async with transports.open(place, secrets, operator=agency.operator) as folder:
            for name, content in files:
                await folder.put(name, _blocks(content))
    except TransportFault as fault:
        if fault.lasting:
            raise Unreadable("the agency's place: {why}", why=fault.message) from None
        raise WrongState("the agency's place: {why}", why=fault.message) from None


async def _blocks(content: bytes) -> AsyncIterator[bytes]:
    yield content
