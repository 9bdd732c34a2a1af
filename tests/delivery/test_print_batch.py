"""A batch for the printhouse: in the order of post, whole, once; and what the printhouse answers."""

from __future__ import annotations

import csv
import hashlib
import io

import pikepdf
import pytest
from lxml import etree
from pypdf import PdfReader

from domain.access.actor import Action
from domain.customers.customer import Delivery
from domain.delivery.channel import Settings
from domain.delivery.dispatch import DispatchState, Form, Way
from domain.delivery.printing import BatchState
from domain.ports.page import PageRequest
from domain.refusal import BadValue, LimitExceeded, NotAllowed, NotFound, Unreadable, WrongState
from domain.usecases import print_batch
from domain.usecases.print_batch import (
    MakePrintBatch,
    drop_print_batch,
    list_print_batches,
    make_print_batch,
    read_print_batch,
    take_print_receipt,
)
from domain.usecases.put_channel import PutChannel, put_channel
from domain.usecases.send_documents import QueueDocuments, queue_documents, retry_dispatch
from domain.usecases.take_receipt_file import TakeReceipts
from integrations.printing.receipts import read


async def made(outgoing, **more):
    return await make_print_batch(
        MakePrintBatch(**more), documents=outgoing.carriers.documents, blobs=outgoing.blobs, **outgoing.given
    )


async def files(outgoing, batch) -> dict[str, bytes]:
    found = {}
    for kind in ("pdf", "xml", "csv"):
        _, found[kind] = await read_print_batch(
            batch.id, kind, actor=outgoing.world.operator, begin=outgoing.world.begin, blobs=outgoing.blobs
        )
    return found


async def test_a_batch_is_in_the_order_of_post_and_says_what_it_holds(outgoing):
    batch = await made(outgoing)
    assert (batch.number, batch.documents, batch.state) == (1, 3, BatchState.MADE)
    content = await files(outgoing, batch)
    rows = list(csv.DictReader(io.StringIO(content["csv"].decode())))
    assert [row["postcode"] for row in rows] == ["111 22", "903 30", "972 33"]
    assert [row["sequence"] for row in rows] == ["1", "2", "3"]
    assert {row["envelope"] for row in rows} == {"C5"}
    reader = PdfReader(io.BytesIO(content["pdf"]))
    assert len(reader.pages) == batch.pages
    for row in rows:
        assert row["number"] in reader.pages[int(row["first_page"]) - 1].extract_text()
        assert int(row["first_page"]) % 2 == 1  # each begins on a new sheet
    root = etree.fromstring(content["xml"])
    head = root.find("{*}head")
    assert head.get("sha256") == hashlib.sha256(content["pdf"]).hexdigest() == batch.digest.hex()
    assert head.get("documents") == "3"
    assert head.find("{*}total").get("amount") == str(dict(batch.totals)["SEK"])
    assert [node.get("number") for node in root.iterfind("{*}document")] == [row["number"] for row in rows]
    with pikepdf.open(io.BytesIO(content["pdf"])) as whole:
        assert whole.attachments[f"{batch.name}.csv"].get_file().read_bytes() == content["csv"]
        with whole.open_outline() as outline:
            assert len(outline.root) == 3


async def test_on_one_side_of_the_paper_there_are_no_blank_backs(outgoing):
    batch = await made(outgoing, duplex=False)
    rows = list(csv.DictReader(io.StringIO((await files(outgoing, batch))["csv"].decode())))
    assert batch.pages == sum(int(row["pages"]) for row in rows) == batch.sheets


async def test_a_document_is_in_one_batch_unless_it_is_made_again(outgoing):
    first = await made(outgoing)
    with pytest.raises(NotFound, match="nothing waits"):
        await made(outgoing)
    printed = [one for one in await outgoing.dispatches() if one.batch == first.id]
    assert len(printed) == 3
    with pytest.raises(BadValue, match="say which"):
        await made(outgoing, again=True)
    key = printed[0].invoice
    with pytest.raises(NotFound, match="nothing waits"):
        await made(outgoing, invoices=(key,))
    second = await made(outgoing, invoices=(key,), again=True)
    assert (second.number, second.documents) == (2, 1)
    assert [one.again for one in await outgoing.dispatches() if one.invoice == key] == [0, 1]


async def test_again_prints_what_still_waits_once(outgoing):
    await queue_documents(QueueDocuments(), **outgoing.given)
    waiting = next(one for one in await outgoing.dispatches() if one.way is Way.PRINT)
    assert (await made(outgoing, invoices=(waiting.invoice,), again=True)).documents == 1


async def test_a_document_of_too_many_calls_is_parked_and_the_others_are_printed(outgoing, monkeypatch):
    real, big = print_batch.material_of, (await outgoing.invoices())[0].number

    async def counting(unit, invoice):
        if invoice.number == big:
            raise LimitExceeded("invoice {number} has more than {calls_max} calls", number=big, calls_max=1)
        return await real(unit, invoice)

    monkeypatch.setattr(print_batch, "material_of", counting)
    assert (await made(outgoing)).documents == 2
    (parked,) = [one for one in await outgoing.dispatches() if one.state is DispatchState.PARKED]
    assert (parked.number, parked.rule) == (big, LimitExceeded.code)
    with pytest.raises(NotFound, match="nothing waits"):
        await made(outgoing)
    await retry_dispatch(parked.id, version=parked.version, **outgoing.given)
    with pytest.raises(NotFound, match="parked"):
        await made(outgoing)


async def test_what_leaves_otherwise_does_not_stand_before_what_is_printed(outgoing):
    invoices = {one.delivery: one.id for one in await outgoing.invoices()}
    async with outgoing.office.begin() as unit:
        wanted = {"run": None, "keys": (), "most": 1}
        assert await unit.dispatches.unsent(**wanted, way=Way.MAIL) == [invoices[Delivery.EMAIL]]
        (first,) = await unit.dispatches.unsent(**wanted, way=Way.PRINT)
        assert (await unit.invoices.get(first)).delivery is Delivery.PRINT
        assert list(await unit.dispatches.unsent(**wanted)) == [first]


async def test_a_feed_s_receipt_file_answers_the_batch(outgoing):
    batch = await made(outgoing)
    rows = "".join(f"{one.number};accepted\n" for one in await outgoing.dispatches() if one.batch == batch.id)

    async def content():
        yield b"number;state\n"
        yield rows.encode()

    async def usage(source, name, blocks, *, column=None):
        raise AssertionError(source)

    take = TakeReceipts(usage, **outgoing.given, blobs=outgoing.blobs, read=read)
    first = await take("receipts", "answers.csv", content())
    assert (first.again, first.remark) == (False, None)
    page = await list_print_batches(PageRequest(1), actor=outgoing.world.operator, begin=outgoing.world.begin)
    assert (page.items[0].state, page.items[0].accepted) == (BatchState.ANSWERED, 3)
    assert (await take("receipts", "again.csv", content())).again is True
    with pytest.raises(AssertionError, match="asterisk"):
        await take("asterisk", "cdr.csv", content())


async def test_a_late_receipt_is_of_the_batch_it_names(outgoing):
    first = await made(outgoing)
    one = next(each for each in await outgoing.dispatches() if each.batch == first.id)
    second = await made(outgoing, invoices=(one.invoice,), again=True)
    told = read(f"number;state\n{one.number};rejected\n".encode())
    assert (await take_print_receipt(first.id, told, **outgoing.given)).rejected == (one.number,)
    states = {each.batch: each.state for each in await outgoing.dispatches() if each.invoice == one.invoice}
    assert states == {first.id: DispatchState.REJECTED, second.id: DispatchState.SENT}


async def test_of_a_run_alone(outgoing):
    invoices = await outgoing.invoices()
    batch = await made(outgoing, run=invoices[0].run, limit=2)
    assert batch.documents == 2
    assert (await made(outgoing, run=invoices[0].run)).documents == 1


@pytest.mark.parametrize("form", ["csv", "xml", "json", "ubl"])
async def test_receipts_are_matched_and_strangers_are_told(outgoing, form):
    batch = await made(outgoing)
    first, second, third = [one.number for one in await outgoing.dispatches() if one.batch == batch.id]
    told = {
        "csv": f"Number;State;Reason\n{first};accepted;\n{second};rejected;window empty\n{third};OK;\n999;accepted;\n",
        "xml": f'<r><document number="{first}" state="accepted"/><document number="{second}" state="rejected"'
        f' reason="window empty"/><document><number>{third}</number><status>printed</status></document>'
        '<document number="999" state="accepted"/></r>',
        "json": f'{{"number": "{first}", "state": "accepted"}}\n{{"number": "{second}", "state": "rejected", "reason":'
        f' "window empty"}}\n{{"number": {third}, "state": "printed"}}\n{{"number": "999", "state": "accepted"}}',
        "ubl": '<ApplicationResponse xmlns="urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2"'
        ' xmlns:c="urn:x">'
        + "".join(
            f"<c:DocumentResponse><c:Response><c:ResponseCode>{code}</c:ResponseCode><c:Description>window empty"
            f"</c:Description></c:Response><c:DocumentReference><c:ID>{number}</c:ID></c:DocumentReference>"
            "</c:DocumentResponse>"
            for number, code in ((first, "AB"), (second, "RE"), (third, "AB"), ("999", "AB"))
        )
        + "</ApplicationResponse>",
    }[form]
    receipts = read(told.encode())
    done = await take_print_receipt(batch.id, receipts, **outgoing.given)
    assert (done.moved, done.rejected, done.unknown) == (3, (second,), ("999",))
    states = {one.number: one.state for one in await outgoing.dispatches() if one.batch == batch.id}
    assert states[first] is DispatchState.ACCEPTED
    assert states[second] is DispatchState.REJECTED
    again = await take_print_receipt(batch.id, receipts, **outgoing.given)
    assert (again.moved, again.known) == (0, 3)
    (kept,) = (
        await list_print_batches(PageRequest(10), actor=outgoing.world.operator, begin=outgoing.world.begin)
    ).items
    assert (kept.state, kept.accepted, kept.rejected) == (BatchState.ANSWERED, 2, 1)
    fault = next(one.fault for one in await outgoing.dispatches() if one.number == second)
    assert fault == "window empty"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a;b\n1;2\n", "begins with the names"),
        (b"number;state\n1;lost\n", "is no state"),
        (b"number;state\n;accepted\n", "names no document"),
        (b"{]", "no JSON"),
        (b"<a/>", "names no documents"),
        (b"<!DOCTYPE a><a/>", "DOCTYPE"),
    ],
)
def test_a_receipt_file_that_cannot_be_read_is_refused_whole(content, why):
    with pytest.raises((Unreadable, BadValue), match=why):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        b'<r><!-- one --><document number="7" state="rejected"><!-- why --><reason>no\tdoor</reason></document></r>',
        b'{"number": "7", "state": "rejected", "reason": "no\\u0000 \\ud800door"}',
    ],
)
def test_odd_letters_and_comments_in_a_receipt_are_let_be(content):
    (one,) = read(content)
    assert (one.number, one.state, one.reason) == ("7", DispatchState.REJECTED, "no door")


async def test_it_is_dropped_where_the_printhouse_fetches_once(outgoing):
    given = {
        "http": outgoing.carriers.http,
        "transports": outgoing.carriers.transports,
        "vault": outgoing.carriers.vault,
    }
    said = Settings(address=f"folder://{outgoing.folder}")
    cmd = PutChannel(code="printhouse", way=Way.PRINT, forms=(Form.PDF,), settings=said)
    await put_channel(cmd, actor=outgoing.world.operator, begin=outgoing.world.begin, **given)
    batch = await made(outgoing)
    del given["http"]
    done = await drop_print_batch(
        batch.id, "printhouse", version=batch.version, blobs=outgoing.blobs, **given, **outgoing.given
    )
    assert done.state is BatchState.DROPPED
    assert sorted(file.name for file in outgoing.folder.iterdir()) == [
        f"{batch.name}.{kind}" for kind in ("csv", "pdf", "xml")
    ]
    with pytest.raises(WrongState, match="dropped already"):
        await drop_print_batch(
            batch.id, "printhouse", version=batch.version, blobs=outgoing.blobs, **given, **outgoing.given
        )


async def test_who_may(outgoing):
    batch = await made(outgoing)
    for name, caller in outgoing.world.callers.items():
        if name == "operator":
            continue
        given = {"actor": caller, "begin": outgoing.world.begin}
        with pytest.raises((NotAllowed, NotFound)):
            await read_print_batch(batch.id, "pdf", blobs=outgoing.blobs, **given)
        with pytest.raises((NotAllowed, NotFound)):
            await take_print_receipt(batch.id, read(b"number;state\n1;ok\n"), clock=outgoing.world.clock, **given)
    assert Action.RUN_BILLS in outgoing.world.operator.scopes
