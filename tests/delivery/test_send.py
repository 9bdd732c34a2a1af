"""Documents leave once each: to an access point that is slow, failing or answers twice, to a folder, by mail."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from lxml import etree

from api.documents_out import queue_job
from domain.customers.customer import Delivery
from domain.delivery.channel import Body, Channel, Settings, check
from domain.delivery.dispatch import UNCERTAIN, DispatchState, Form, Way, moved
from domain.delivery.receipts import read_rows
from domain.ports.mail import MailFault
from domain.ports.page import PageRequest
from domain.refusal import BadValue, LimitExceeded, NotAllowed, Stale, WrongState
from domain.usecases.put_channel import PutChannel, list_channels, put_channel
from domain.usecases.reissue_invoice import ReissueInvoice, reissue_invoice
from domain.usecases.send_document import follow_document, send_document
from domain.usecases.send_documents import QUEUE, SEND, QueueDocuments, queue_documents, retry_dispatch, take_receipts


@dataclass
class AccessPoint:
    """A server on this machine that keeps what it gets; ``answers`` are given in turn, the last one for ever."""

    answers: list[tuple[int, dict]] = field(default_factory=lambda: [(202, {"id": "ap-1", "status": "sent"})])
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    seconds: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append((head[0].rpartition(" ")[0], headers, body))
        await asyncio.sleep(self.seconds)
        status, told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        text = json.dumps(told).encode()
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(text), text))
        await writer.drain()
        writer.close()

    @property
    def posted(self) -> list[bytes]:
        """The bodies of what was posted."""
        return [body for line, _, body in self.asked if line.startswith("POST")]


@asynccontextmanager
async def access_point(**more):
    point = AccessPoint(**more)
    server = await asyncio.start_server(point.serve, "127.0.0.1", 0)
    point.port = server.sockets[0].getsockname()[1]
    async with server:
        yield point


async def channel(outgoing, address: str, *, code: str = "ap", way: Way = Way.ACCESS_POINT, **more) -> Channel:
    credentials = more.pop("credentials", {})
    cmd = PutChannel(
        code=code,
        way=way,
        forms=(Form.PEPPOL, Form.OIOUBL),
        settings=Settings(address=address, **more),
        credentials=credentials,
    )
    carriers = outgoing.carriers
    return await put_channel(
        cmd,
        actor=outgoing.world.operator,
        begin=outgoing.world.begin,
        http=carriers.http,
        transports=carriers.transports,
        vault=carriers.vault,
    )


async def queued(outgoing, form: Form):
    await queue_documents(QueueDocuments(), **outgoing.given)
    return next(one for one in await outgoing.dispatches() if one.form is form and one.way is not Way.PRINT)


async def send(outgoing, one, **more):
    return await send_document(one.id, outgoing.carriers, **more, **outgoing.given)


async def test_each_document_is_queued_once(outgoing):
    first = await queue_documents(QueueDocuments(), **outgoing.given)
    assert sorted(one.way.value for one in first) == ["access_point", "mail", "print", "print", "print"]
    assert await queue_documents(QueueDocuments(), **outgoing.given) == []
    with pytest.raises(BadValue, match="say which"):
        await queue_documents(QueueDocuments(again=True), **outgoing.given)
    anew = QueueDocuments(invoices=(first[0].invoice,), again=True)
    assert await queue_documents(anew, **outgoing.given) == []  # it waits, and would leave twice
    async with outgoing.world.begin(outgoing.world.operator) as unit:
        held = await unit.dispatches.claim(first[0].id)
        await unit.dispatches.keep([moved(held, DispatchState.SENT, at=outgoing.world.clock.now())])
    (again,) = await queue_documents(anew, **outgoing.given)
    assert again.again == 1
    for name, caller in outgoing.world.callers.items():
        if name != "operator" and name != "other_operator":
            with pytest.raises(NotAllowed):
                await queue_documents(
                    QueueDocuments(), actor=caller, begin=outgoing.world.begin, clock=outgoing.world.clock
                )
    other = {**outgoing.given, "actor": outgoing.world.other_operator}
    assert await queue_documents(QueueDocuments(invoices=(first[0].invoice,)), **other) == []


async def test_workers_keep_off_what_its_caller_sends_here_and_now(outgoing):
    later = outgoing.world.clock.now() + timedelta(hours=1)
    made = await queue_documents(QueueDocuments(workers_at=later), **outgoing.given)
    async with outgoing.world.begin(outgoing.world.operator) as unit:
        jobs = (await unit.jobs.page(PageRequest(100), kind=SEND)).items
    assert len(jobs) == len([one for one in made if one.way is not Way.PRINT]) > 0
    assert {job.run_at for job in jobs} == {later}


async def test_what_is_credited_and_issued_anew_leaves_as_its_invoice_did(outgoing):
    await queue_documents(QueueDocuments(), **outgoing.given)
    invoice = next(one for one in await outgoing.invoices() if one.delivery is Delivery.EMAIL)
    done = await reissue_invoice(ReissueInvoice(invoice=invoice.id), **outgoing.given)
    wiring = SimpleNamespace(begin=outgoing.world.begin, clock=outgoing.world.clock)
    async with outgoing.world.begin(outgoing.world.operator) as unit:
        jobs = (await unit.jobs.page(PageRequest(100), kind=QUEUE)).items
    for job in jobs:
        await queue_job(wiring, outgoing.world.operator, job)
    made = {one.invoice: one.way for one in await outgoing.dispatches()}
    assert (made[done.credit_note.id], made[done.invoice.id]) == (Way.MAIL, Way.MAIL)


async def test_an_access_point_gets_the_checked_document_once(outgoing):
    async with access_point() as point:
        await channel(
            outgoing,
            f"http://127.0.0.1:{point.port}/send/{{number}}?to={{recipient}}",
            headers=(("X-Type", "{document_type}"),),
            credentials={"token": "geheim"},
        )
        one = await queued(outgoing, Form.PEPPOL)
        sent = await send(outgoing, one)
        assert (sent.state, sent.reference, sent.attempts) == (DispatchState.SENT, "ap-1", 1)
        ((line, headers, body),) = point.asked
        assert line == f"POST /send/{one.number}?to=0007%3A5567037485"
        assert headers["authorization"] == "Bearer geheim"
        assert headers["x-type"].endswith("billing:3.0")
        assert headers["idempotency-key"]
        assert etree.fromstring(body).findtext("{*}ID") == one.number
        assert await send(outgoing, sent) == sent  # a job that runs twice sends nothing
        assert len(point.asked) == 1


@pytest.mark.parametrize(("body", "decode"), [(Body.JSON_BASE64, base64.b64decode), (Body.JSON_TEXT, str.encode)])
async def test_a_document_inside_json(outgoing, body, decode):
    async with access_point(answers=[(200, {"result": {"uuid": 7}})]) as point:
        await channel(
            outgoing,
            f"http://127.0.0.1:{point.port}/",
            body=body,
            document_field="xml",
            envelope=(("receiver", "{recipient}"),),
            reference_path="result.uuid",
        )
        sent = await send(outgoing, await queued(outgoing, Form.PEPPOL))
        assert sent.reference == "7"
        told = json.loads(point.posted[0])
        assert told["receiver"] == "0007:5567037485"
        assert etree.fromstring(decode(told["xml"])).findtext("{*}ID") == sent.number


async def test_one_that_is_away_is_tried_again_and_says_the_same_key(outgoing):
    async with access_point(answers=[(503, {}), (429, {}), (409, {"id": "ap-9"})]) as point:
        await channel(outgoing, f"http://127.0.0.1:{point.port}/")
        one = await queued(outgoing, Form.PEPPOL)
        for attempt in (1, 2):
            with pytest.raises(WrongState, match="was not taken"):
                await send(outgoing, one)
            (kept,) = [each for each in await outgoing.dispatches() if each.id == one.id]
            assert (kept.state, kept.attempts) == (DispatchState.QUEUED, attempt)
        sent = await send(outgoing, one)  # 409: it had taken the first one after all
        assert (sent.state, sent.reference) == (DispatchState.SENT, "ap-9")
        assert len({headers["idempotency-key"] for _, headers, _ in point.asked}) == 1


async def test_one_that_stays_away_is_given_up_and_can_be_tried_anew(outgoing):
    await channel(outgoing, "http://127.0.0.1:9/")
    one = await queued(outgoing, Form.PEPPOL)
    with pytest.raises(WrongState):
        await send(outgoing, one)
    failed = await send(outgoing, one, last=True)
    assert failed.state is DispatchState.FAILED
    assert "cannot be reached" in failed.fault
    with pytest.raises(Stale):
        await retry_dispatch(one.id, version=1, **outgoing.given)
    again = await retry_dispatch(one.id, version=failed.version, **outgoing.given)
    assert (again.state, again.attempts) == (DispatchState.QUEUED, 0)


async def test_what_they_refuse_is_rejected_with_their_words(outgoing):
    async with access_point(answers=[(422, {"error": "unknown receiver"})]) as point:
        await channel(outgoing, f"http://127.0.0.1:{point.port}/")
        rejected = await send(outgoing, await queued(outgoing, Form.PEPPOL))
        assert rejected.state is DispatchState.REJECTED
        assert "unknown receiver" in rejected.fault


async def test_a_broken_rule_parks_the_document_with_its_cause(outgoing):
    async with access_point() as point:
        await channel(outgoing, f"http://127.0.0.1:{point.port}/")
        async with outgoing.office.begin() as unit:
            own = await unit.operators.own()
        carriers = replace(outgoing.carriers, documents=Tampering(outgoing.carriers.documents))
        one = await queued(outgoing, Form.PEPPOL)
        parked = await send_document(one.id, carriers, **outgoing.given)
        assert (parked.state, parked.rule) == (DispatchState.PARKED, "BR-CO-16")
        assert "sums do not agree" in parked.fault
        assert point.asked == []
        again = await retry_dispatch(parked.id, version=parked.version, **outgoing.given)
        assert (await send(outgoing, again)).state is DispatchState.SENT
        assert own.id == one.operator


class Tampering:
    """Documents with a sum that is wrong."""

    def __init__(self, real) -> None:
        self._real = real

    def written(self, invoice, form, *, route=None) -> bytes:
        """Return the document with another amount to pay."""
        wrong = f">{invoice.total + 1:.2f}</cbc:PayableAmount>".encode()
        return self._real.written(invoice, form, route=route).replace(
            f">{invoice.total:.2f}</cbc:PayableAmount>".encode(), wrong
        )


async def test_without_a_channel_it_is_parked(outgoing):
    parked = await send(outgoing, await queued(outgoing, Form.PEPPOL))
    assert (parked.state, parked.rule) == (DispatchState.PARKED, "no_channel")


async def test_its_state_is_asked_for_until_the_end(outgoing):
    async with access_point(
        answers=[(202, {"id": "ap-1"}), (200, {"status": "AT_AP"}), (200, {"status": "OK"})]
    ) as point:
        base = f"http://127.0.0.1:{point.port}"
        words = (("AT_AP", "accepted"), ("OK", "delivered"), ("NOK", "rejected"))
        await channel(outgoing, f"{base}/", status_url=f"{base}/{{reference}}", states=words)
        one = await send(outgoing, await queued(outgoing, Form.PEPPOL))
        first = await follow_document(one.id, outgoing.carriers, **outgoing.given)
        assert first.state is DispatchState.ACCEPTED
        assert (await follow_document(one.id, outgoing.carriers, **outgoing.given)).state is DispatchState.DELIVERED
        assert [line for line, _, _ in point.asked][1:] == ["GET /ap-1", "GET /ap-1"]


async def test_receipts_come_back_by_reference_once(outgoing):
    async with access_point() as point:
        await channel(outgoing, f"http://127.0.0.1:{point.port}/")
        one = await send(outgoing, await queued(outgoing, Form.PEPPOL))
        rows = read_rows([{"reference": "ap-1", "state": "delivered"}, {"reference": "ap-2", "state": "rejected"}])
        done = await take_receipts(rows, **outgoing.given)
        assert (done.moved, done.unknown) == (1, ("ap-2",))
        late = await take_receipts(read_rows([{"number": one.number, "state": "rejected"}]), **outgoing.given)
        assert (late.moved, late.known) == (0, 1)


@pytest.mark.parametrize(
    ("types", "otherwise", "state", "way"),
    [
        (["OIOUBL-2.1"], Delivery.EMAIL, DispatchState.QUEUED, Way.MAIL),
        (["OIOUBL-2.1"], Delivery.PDF, DispatchState.DELIVERED, Way.ACCESS_POINT),
        ([], None, DispatchState.PARKED, Way.ACCESS_POINT),
        (["peppol"], None, DispatchState.SENT, Way.ACCESS_POINT),
    ],
)
async def test_what_the_recipient_can_take_decides_and_is_kept(outgoing, types, otherwise, state, way):
    async with access_point(answers=[(200, {"documentTypes": types, "id": "x"})]) as point:
        base = f"http://127.0.0.1:{point.port}"
        await channel(outgoing, f"{base}/", lookup_url=f"{base}/smp/{{recipient}}", otherwise=otherwise)
        sent = await send(outgoing, await queued(outgoing, Form.PEPPOL))
        assert (sent.state, sent.way) == (state, way)
        async with outgoing.office.begin() as unit:
            known = await unit.channels.capability("0007:5567037485")
        assert known.looked_at == outgoing.world.clock.now()
        assert (Form.PEPPOL in known.forms) is (types == ["peppol"])
        assert len([line for line, _, _ in point.asked if line.startswith("GET")]) == 1


async def test_a_folder_gets_a_file_named_by_the_document(outgoing):
    await channel(outgoing, f"folder://{outgoing.folder}", way=Way.DROP, file_name="{kind}_{number}.{extension}")
    one = await send(outgoing, await queued(outgoing, Form.PEPPOL))
    assert one.state is DispatchState.SENT
    (file,) = outgoing.folder.iterdir()
    assert file.name == f"invoice_{one.number}.xml"


async def test_mail_brings_the_pdf(outgoing):
    one = await queued(outgoing, Form.PDF)
    assert one.way is Way.MAIL
    sent = await send(outgoing, one)
    assert sent.state is DispatchState.DELIVERED
    (letter,) = outgoing.post.letters
    assert one.number in letter.subject
    assert letter.attachments[0].name == f"{one.number}.pdf"
    assert letter.attachments[0].content.startswith(b"%PDF")


async def test_a_document_of_too_many_calls_is_parked(outgoing, monkeypatch):
    async def refuse(_unit, invoice):
        raise LimitExceeded(
            "invoice {number} has more than {calls_max} calls to print", number=invoice.number, calls_max=1
        )

    one = await queued(outgoing, Form.PDF)
    monkeypatch.setattr("domain.usecases.send_document.material_of", refuse)
    parked = await send(outgoing, one)
    assert (parked.state, parked.rule) == (DispatchState.PARKED, LimitExceeded.code)


async def test_mail_that_is_not_taken_now_waits(outgoing):
    one = await queued(outgoing, Form.PDF)
    outgoing.post.fault = MailFault("the mail server said 451")
    with pytest.raises(WrongState):
        await send(outgoing, one)
    outgoing.post.fault = MailFault("the mail server said 550", lasting=True)
    assert (await send(outgoing, one)).state is DispatchState.FAILED


async def test_without_a_mail_server_a_document_is_parked_until_there_is_one(outgoing):
    one = await queued(outgoing, Form.PDF)
    outgoing.post.fault = MailFault("no mail server is set: TOLLWRIGHT_SMTP_HOST", absent=True)
    parked = await send(outgoing, one)
    assert (parked.state, parked.rule) == (DispatchState.PARKED, "no_mail_server")
    outgoing.post.fault = None
    again = await retry_dispatch(one.id, version=parked.version, **outgoing.given)
    assert (await send(outgoing, again)).state is DispatchState.DELIVERED


async def test_mail_that_broke_off_is_uncertain_and_not_sent_twice(outgoing):
    one = await queued(outgoing, Form.PDF)
    outgoing.post.fault = MailFault("the mail server broke off", uncertain=True)
    failed = await send(outgoing, one)
    assert (failed.state, failed.rule, failed.handed_at) == (DispatchState.FAILED, UNCERTAIN, None)
    assert "ask the customer" in failed.fault
    outgoing.post.fault = None
    again = await retry_dispatch(one.id, version=failed.version, **outgoing.given)
    assert (await send(outgoing, again)).state is DispatchState.DELIVERED


class Crashing:
    """A mailer that takes a letter, and whose process ends before anybody hears of it."""

    def __init__(self) -> None:
        self.letters = []

    async def send(self, letter) -> None:
        """Take it and be gone."""
        self.letters.append(letter)
        raise KeyboardInterrupt


async def test_a_crash_after_the_server_took_it_sends_no_second_mail(outgoing):
    one = await queued(outgoing, Form.PDF)
    crashing = Crashing()
    with pytest.raises(KeyboardInterrupt):
        await send_document(one.id, replace(outgoing.carriers, mailer=crashing), **outgoing.given)
    with pytest.raises(WrongState, match="being handed over"):
        await send(outgoing, one)  # whoever does it may be at it still
    clock = SimpleNamespace(now=lambda: outgoing.world.clock.now() + timedelta(minutes=6))
    later = {**outgoing.given, "clock": clock}
    failed = await send_document(one.id, outgoing.carriers, **later)
    assert (failed.state, failed.rule) == (DispatchState.FAILED, UNCERTAIN)
    assert outgoing.post.letters == []
    again = await retry_dispatch(one.id, version=failed.version, **later)
    assert (await send_document(again.id, outgoing.carriers, **later)).state is DispatchState.DELIVERED
    assert [each.key for each in outgoing.post.letters] == [each.key for each in crashing.letters]


async def test_who_was_given_up_as_uncertain_is_delivered_when_it_is_known(outgoing):
    one = await queued(outgoing, Form.PDF)

    class Slow:
        """A mailer during whose answer somebody else gives the document up."""

        async def send(self, letter) -> None:
            """Take it."""
            async with outgoing.world.begin(outgoing.world.operator) as unit:
                held = await unit.dispatches.claim(one.id)
                lost = moved(held, DispatchState.FAILED, at=outgoing.world.clock.now(), fault="maybe")
                await unit.dispatches.keep([replace(lost, rule=UNCERTAIN)])

    sent = await send_document(one.id, replace(outgoing.carriers, mailer=Slow()), **outgoing.given)
    assert (sent.state, sent.rule) == (DispatchState.DELIVERED, None)


async def test_one_that_is_retried_while_its_job_ends_gets_a_job_of_its_own(outgoing):
    one = await queued(outgoing, Form.PEPPOL)
    parked = await send(outgoing, one)  # its job is not done yet
    again = await retry_dispatch(one.id, version=parked.version, **outgoing.given)
    async with outgoing.world.begin(outgoing.world.operator) as unit:
        jobs = (await unit.jobs.page(PageRequest(100), kind=SEND)).items
    assert len([job for job in jobs if job.payload["dispatch"] == again.id]) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"headers": (("Host", "x"),)}, "headers"),
        ({"headers": (("X-A", "{nothing}"),)}, "headers"),
        ({"headers": (("X-A", "a\r\nb"),)}, "headers"),
        ({"states": (("OK", "queued"),)}, "states"),
        ({"reference_path": "a..b"}, "referencePath"),
        ({"file_name": "../{number}"}, "fileName"),
        ({"otherwise": Delivery.PEPPOL}, "otherwise"),
        ({"address": ""}, "address"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_by_field(changes, field):
    settings = Settings(**{"address": "https://ap.example/", **changes})
    one = Channel(id=1, operator=1, code="ap", way=Way.ACCESS_POINT, forms=(Form.PEPPOL,), settings=settings)
    with pytest.raises(BadValue) as no:
        check(one)
    assert no.value.field == field


async def test_addresses_within_the_house_are_refused_and_secrets_stay(outgoing):
    with pytest.raises(BadValue):
        await channel(outgoing, "http://169.254.169.254/")
    kept = await channel(outgoing, "http://127.0.0.1:9/", credentials={"token": "geheim"})
    assert "geheim" not in repr(kept)
    found = await list_channels(actor=outgoing.world.operator, begin=outgoing.world.begin)
    assert b"geheim" not in found[0].credentials["token"].sealed
    cmd = PutChannel(
        code="ap", way=Way.ACCESS_POINT, forms=(Form.PEPPOL,), settings=Settings(address="http://127.0.0.2/"), version=1
    )
    carriers = outgoing.carriers
    given = {"http": carriers.http, "transports": carriers.transports, "vault": carriers.vault}
    with pytest.raises(BadValue, match="goes elsewhere"):
        await put_channel(cmd, actor=outgoing.world.operator, begin=outgoing.world.begin, **given)
    # Where the state is asked for, and what the recipient can take, the secret is told as well.
    for elsewhere in ("status_url", "lookup_url"):
        said = Settings(address="http://127.0.0.1:9/", **{elsewhere: "http://127.0.0.2/{reference}"})
        moved = replace(cmd, settings=said)
        with pytest.raises(BadValue, match="goes elsewhere"):
            await put_channel(moved, actor=outgoing.world.operator, begin=outgoing.world.begin, **given)
        nowhere = replace(moved, settings=replace(said, **{elsewhere: "http://{recipient}.example/"}))
        with pytest.raises(BadValue, match="before the path"):
            await put_channel(nowhere, actor=outgoing.world.operator, begin=outgoing.world.begin, **given)
    same = replace(
        cmd, settings=Settings(address="http://127.0.0.1:9/new", status_url="http://127.0.0.1:9/{reference}")
    )
    assert (await put_channel(same, actor=outgoing.world.operator, begin=outgoing.world.begin, **given)).credentials
    for caller in (outgoing.world.north, outgoing.world.south):
        with pytest.raises(NotAllowed):
            await list_channels(actor=caller, begin=outgoing.world.begin)
