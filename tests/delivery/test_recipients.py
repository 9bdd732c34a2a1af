"""What recipients can take: a name server and a publisher of the test's own, asked as Peppol's are."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import quote

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from domain.customers.customer import Delivery
from domain.delivery.channel import Channel, Settings, check
from domain.delivery.dispatch import DispatchState, Form, Way
from domain.invoicing.invoice import DocumentKind
from domain.ports.transports import TransportFault
from domain.refusal import BadValue
from domain.usecases.carry_document import DOCUMENT_TYPES
from domain.usecases.reissue_invoice import ReissueInvoice, reissue_invoice
from domain.usecases.send_document import send_document
from domain.usecases.send_documents import QueueDocuments, queue_documents
from integrations.einvoice.smp import SmpDirectory, cname_name, naptr_name
from integrations.transports.addresses import read_networks
from integrations.transports.http import CheckedHttp
from tests.delivery.test_send import access_point, channel, queued

ZONE = "sml.example"
WHO = "0007:5567037485"
HTTP = CheckedHttp(read_networks("127.0.0.0/8"))


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Answers from ``records``: a type and a text by name; nothing: no such name."""

    records: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def connection_made(self, transport) -> None:
        """Keep how to answer."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr) -> None:
        """Answer a question."""
        query = dns.message.from_wire(data)
        (question,) = query.question
        name = str(question.name).rstrip(".")
        self.asked.append(f"{dns.rdatatype.to_text(question.rdtype)} {name}")
        answer = dns.message.make_response(query)
        kind, text = self.records.get(name, ("", ""))
        if kind == dns.rdatatype.to_text(question.rdtype):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, text))
        elif not kind:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def names(**records):
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: NameServer(dict(records.values())), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server, SmpDirectory(HTTP, ["127.0.0.1"], port=transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


@dataclass
class Publisher:
    """Serves one participant's documents, or an answer of another kind."""

    kinds: tuple[str, ...] = ()
    status: int = 200
    body: bytes | None = None
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.asked.append(head[0].rpartition(" ")[0])
        base = f"http://127.0.0.1:{self.port}/iso6523-actorid-upis%3A%3A{WHO}/services/"
        refs = "".join(
            f'<smp:ServiceMetadataReference href="{base}{quote(f"busdox-docid-qns::{kind}", safe="")}"/>'
            for kind in self.kinds
        )
        text = self.body
        if text is None:
            text = (
                '<smp:ServiceGroup xmlns:smp="http://busdox.org/serviceMetadata/publishing/1.0/">'
                f"<smp:ServiceMetadataReferenceCollection>{refs}</smp:ServiceMetadataReferenceCollection>"
                "</smp:ServiceGroup>"
            ).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (self.status, len(text)) + text
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def publisher(**more):
    one = Publisher(**more)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one


def naptr(port: int, service: str = "Meta:SMP") -> tuple[str, tuple[str, str]]:
    return naptr_name(WHO, ZONE), ("NAPTR", f'100 10 "U" "{service}" "!.*!http://127.0.0.1:{port}/!" .')


def document_of(form: Form, root: str = "Invoice") -> str:
    return f"urn:oasis:names:specification:ubl:schema:xsd:{root}-2::{root}##{DOCUMENT_TYPES[form]}::2.1"


async def test_a_participant_s_documents_are_found_by_name_and_publisher():
    kinds = (document_of(Form.PEPPOL), document_of(Form.PEPPOL, "CreditNote"))
    async with publisher(kinds=kinds) as smp, names(one=naptr(smp.port)) as (server, directory):
        found = await directory.documents(WHO, ZONE)
        assert found == [f"busdox-docid-qns::{kind}" for kind in kinds]
        assert server.asked == [f"NAPTR {naptr_name(WHO, ZONE)}"]
        assert smp.asked == ["GET /iso6523-actorid-upis%3A%3A0007%3A5567037485"]


async def test_nobody_is_told_from_nobody_answering():
    async with names() as (server, directory):
        assert await directory.documents(WHO, ZONE) is None
        assert server.asked == [f"NAPTR {naptr_name(WHO, ZONE)}", f"CNAME {cname_name(WHO, ZONE)}"]
    async with publisher(status=404) as smp, names(one=naptr(smp.port)) as (_, directory):
        assert await directory.documents(WHO, ZONE) is None
    async with names(one=naptr(9, service="Meta:BDXR")) as (_, directory):
        assert await directory.documents(WHO, ZONE) is None
    for more in ({"status": 503}, {"body": b"<html>"}, {"body": b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'}):
        async with publisher(**more) as smp, names(one=naptr(smp.port)) as (_, directory):
            with pytest.raises(TransportFault):
                await directory.documents(WHO, ZONE)
    async with names(one=naptr(9)) as (_, directory):
        with pytest.raises(TransportFault):
            await directory.documents(WHO, ZONE)
    with pytest.raises(TransportFault, match=r"sml\.example"):
        await SmpDirectory(HTTP, ["127.0.0.1"], port=9, seconds=0.5).documents(WHO, ZONE)


async def test_a_publisher_within_the_house_is_not_asked():
    async with publisher(kinds=(document_of(Form.PEPPOL),)) as smp, names(one=naptr(smp.port)) as (server, _):
        port = server.transport.get_extra_info("sockname")[1]
        with pytest.raises(TransportFault, match="private address"):
            await SmpDirectory(CheckedHttp(()), ["127.0.0.1"], port=port).documents(WHO, ZONE)
        assert smp.asked == []


async def test_the_older_name_is_followed_where_there_is_no_other():
    async with names(one=(cname_name(WHO, ZONE), ("CNAME", "smp.example."))) as (server, directory):
        with pytest.raises(TransportFault, match="b-"):  # which nobody knows here
            await directory.documents(WHO, ZONE)
        assert server.asked[-1] == f"CNAME {cname_name(WHO, ZONE)}"


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ((document_of(Form.PEPPOL),), DispatchState.SENT),
        ((document_of(Form.OIOUBL),), DispatchState.PARKED),
        (
            (
                document_of(Form.PEPPOL).replace(
                    "::2.1", "#conformant#urn:fdc:anskaffelser.no:2019:ehf:reminder:3.0::2.1"
                ),
            ),
            DispatchState.PARKED,
        ),
        ((), DispatchState.PARKED),
    ],
)
async def test_a_channel_asks_the_network_itself(outgoing, kinds, state):
    async with (
        access_point() as point,
        publisher(kinds=kinds) as smp,
        names(one=naptr(smp.port)) as (_, directory),
    ):
        await channel(outgoing, f"http://127.0.0.1:{point.port}/", sml=ZONE)
        carriers = replace(outgoing.carriers, recipients=directory)
        sent = await send_document((await queued(outgoing, Form.PEPPOL)).id, carriers, **outgoing.given)
        assert (sent.state, sent.rule) == (state, None if state is DispatchState.SENT else "recipient_cannot")


@pytest.mark.parametrize(
    ("roots", "state", "rule"),
    [
        (("Invoice",), DispatchState.PARKED, "recipient_cannot"),
        (("Invoice", "CreditNote"), DispatchState.SENT, None),
    ],
)
async def test_who_takes_invoices_need_not_take_credit_notes(outgoing, roots, state, rule):
    """A participant is registered for each kind of document; what he is not registered for goes astray."""
    kinds = tuple(document_of(Form.PEPPOL, root) for root in roots)
    billed = document_of(Form.PEPPOL).replace(":billing:3.0", ":selfbilling:3.0")
    async with (
        access_point() as point,
        publisher(kinds=(*kinds, billed)) as smp,
        names(one=naptr(smp.port)) as (_, directory),
    ):
        await channel(outgoing, f"http://127.0.0.1:{point.port}/", sml=ZONE)
        carriers = replace(outgoing.carriers, recipients=directory)
        invoice = await send_document((await queued(outgoing, Form.PEPPOL)).id, carriers, **outgoing.given)
        assert invoice.state is DispatchState.SENT
        await reissue_invoice(ReissueInvoice(invoice=invoice.invoice), **outgoing.given)
        await queue_documents(QueueDocuments(), **outgoing.given)
        (note,) = [one for one in await outgoing.dispatches() if one.kind is DocumentKind.CREDIT_NOTE]
        sent = await send_document(note.id, carriers, **outgoing.given)
        assert (sent.state, sent.rule) == (state, rule)
        async with outgoing.office.begin() as unit:
            known = await unit.channels.capability(WHO)
        assert known.takes(Form.PEPPOL, DocumentKind.INVOICE)
        assert known.takes(Form.PEPPOL, DocumentKind.CREDIT_NOTE) is (state is DispatchState.SENT)
        assert known.takes(Form.PEPPOL, DocumentKind.INVOICE, self_billed=True)
        assert not known.takes(Form.OIOUBL, DocumentKind.INVOICE)


async def test_a_network_that_cannot_tell_stops_nothing(outgoing):
    async with access_point() as point:
        await channel(outgoing, f"http://127.0.0.1:{point.port}/", sml=ZONE, otherwise=Delivery.PDF)
        sent = await send_document((await queued(outgoing, Form.PEPPOL)).id, outgoing.carriers, **outgoing.given)
        assert sent.state is DispatchState.SENT


@pytest.mark.parametrize(
    "changes", [{"sml": "nothing"}, {"sml": "a b.example"}, {"sml": ZONE, "lookup_url": "https://x.example/"}]
)
def test_a_zone_that_is_none_is_refused(changes):
    settings = Settings(address="https://ap.example/", **changes)
    one = Channel(id=1, operator=1, code="ap", way=Way.ACCESS_POINT, forms=(Form.PEPPOL,), settings=settings)
    with pytest.raises(BadValue) as no:
        check(one)
    assert no.value.field == "sml"
