"""What suppliers are owed, against a second reckoning from the events, on both stores."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from api.wiring import Wiring
from domain.access.actor import Action
from domain.access.approval import ApprovalKind, ApprovalRule, ApprovalState, NeedsApproval
from domain.commissions.commission import CommissionLine, CommissionOn, Statement
from domain.ids import ApprovalId
from domain.invoicing.invoice import DocumentKind
from domain.margins.exchange import DayRate
from domain.operators import Address
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, WrongState
from domain.selfbilling.document import Answer
from domain.usecases.decide_approval import SetApprovalRules, set_approval_rules
from domain.usecases.four_eyes import asker_of
from domain.usecases.import_cdr import Imported
from domain.usecases.list_usage import ListUsage, list_usage
from domain.usecases.make_journal import make_journal
from domain.usecases.print_self_billed import print_self_billed
from domain.usecases.put_supplier import PutSupplier, list_suppliers, put_supplier
from domain.usecases.self_bill import (
    AnswerSelfBilled,
    CreditSelfBilled,
    SelfBill,
    SelfBilling,
    answer_self_billed,
    credit_self_billed,
    list_self_billed,
    self_bill,
)
from domain.usecases.withdraw_file import WithdrawFile, withdraw_file
from tests.intake import world as made
from tests.intake.conftest import Importer

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))
APRIL = Period(date(2026, 4, 1), date(2026, 5, 1))
BERLIN = Address("Hauptstr. 1", "10115", "Berlin", "DE")
CARRIER = PutSupplier(
    code="carrier",
    name="Carrier GmbH",
    organisation_number="Berlin HRB 86891",
    vat_id="DE136695976",
    address=BERLIN,
    agreed_on=date(2026, 1, 15),
    valid_from=date(2026, 2, 1),
    trunks=("T1",),
    currency="EUR",
    vat_percent=Decimal(19),
    language="en",
)
CENT = Decimal("0.01")


def calls(first: int, count: int, *, start: datetime = made.FIRST) -> bytes:
    """Calls over two trunks, of which one has a cost."""
    return made.lines(
        *(
            made.row(
                n,
                a=made.number(0),
                b="46850000000",
                seconds=7 + n * 3,
                start=start + timedelta(minutes=n),
                trunk="T1" if n % 5 else "T2",
            )
            for n in range(first, first + count)
        )
    )


async def owed(wiring: Wiring, world: made.World, until: datetime) -> Decimal:
    """Add up what the calls over the supplier's trunk cost, one by one."""
    cmd = ListUsage(since=datetime(2026, 2, 1, tzinfo=UTC), until=until, first=1000)
    found = (await list_usage(cmd, actor=world.actor, begin=wiring.begin)).items
    return sum((one.cost.amount.value for one in found if one.cost and one.trunk == "T1"), Decimal(0))


async def bill(wiring: Wiring, world: made.World, period: Period = MARCH, **more: Any) -> SelfBilling:
    cmd = SelfBill(period=period, issued_on=period.end, **more)
    return await self_bill(cmd, actor=world.actor, begin=wiring.begin, clock=wiring.clock)


async def booked(wiring: Wiring, world: made.World) -> dict[str, int]:
    async with wiring.begin(world.actor) as unit:
        return {account: amount for (account, _), amount in (await unit.ledger.balances()).items()}


async def test_a_supplier_is_owed_what_his_calls_cost_once(wiring: Wiring, world: made.World, load: Importer) -> None:
    await load(calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    exact = (await owed(wiring, world, datetime(2026, 4, 1, tzinfo=UTC))).quantize(CENT, ROUND_HALF_UP)
    assert exact > 0

    tried = await bill(wiring, world, dry_run=True)
    assert [one.invoice.number for one in tried.documents] == [""]
    (document,) = (await bill(wiring, world)).documents
    invoice = document.invoice
    assert (invoice.number, invoice.net, invoice.total) == (f"SB{document.supplier}-00001", exact, exact)
    assert {(line.vat.category, line.label) for line in invoice.lines} == {("AE", "T1")}
    assert (invoice.seller.vat_id, invoice.self_billed) == ("DE136695976", True)
    # Cost against payables; VAT that the buyer accounts for himself on both of its sides.
    own = int((exact * 25).quantize(Decimal(1), ROUND_HALF_UP))
    cents = int(exact * 100)
    assert await booked(wiring, world) == {"2440": -cents, "4041": cents, "2645": own, "2614": -own}

    assert await bill(wiring, world) == SelfBilling()
    await load(calls(100, 5), name="late.csv")
    late = (await bill(wiring, world, APRIL)).documents
    assert [line.period for line in late[0].invoice.lines] == [Period(date(2026, 3, 2), APRIL.start)]
    exactly = sum(line.amount_micro or 0 for one in (invoice, late[0].invoice) for line in one.lines)
    assert Decimal(exactly).scaleb(-6) == await owed(wiring, world, datetime(2026, 5, 1, tzinfo=UTC))
    page = await list_self_billed(PageRequest(), actor=world.actor, begin=wiring.begin, supplier="carrier")
    assert [one.invoice for one in page.items] == [invoice, late[0].invoice]


async def test_a_swedish_supplier_charges_vat_that_is_got_back_and_told_in_kronor(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    await load(calls(0, 30))
    swedish = replace(
        CARRIER,
        organisation_number="5560747551",
        vat_id="SE556074755101",
        vat_percent=Decimal(25),
        address=Address("Storgatan 1", "11122", "Stockholm", "SE"),
    )
    await put_supplier(swedish, actor=world.actor, begin=wiring.begin)
    (doubt,) = (await bill(wiring, world)).unbilled
    assert (doubt.supplier, doubt.reason) == ("carrier", "exchange_rate")
    async with wiring.begin(world.actor) as unit:
        await unit.exchange.put(
            [DayRate(date(2026, 3, 31), "EUR", "SEK", Decimal("11.25"), "ECB")], replace=False, at=made.NOW
        )
    (document,) = (await bill(wiring, world)).documents
    invoice = document.invoice
    tax = (invoice.net / 4).quantize(CENT, ROUND_HALF_UP)
    assert (invoice.vat_total, invoice.total) == (tax, invoice.net + tax)
    assert invoice.vat_at_home == (tax * Decimal("11.25")).quantize(CENT, ROUND_HALF_UP)
    balances = await booked(wiring, world)
    assert balances["2641"] == int(tax * 100)
    assert sum(balances.values()) == 0


async def test_the_last_document_can_be_taken_back_and_made_anew(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    await load(calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    (first,) = (await bill(wiring, world)).documents
    tools: dict[str, Any] = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock}
    with pytest.raises(BadValue):
        await answer_self_billed(AnswerSelfBilled(number=first.invoice.number, answer=Answer.REJECTED), **tools)
    said = AnswerSelfBilled(number=first.invoice.number, answer=Answer.REJECTED, remark="other prices were agreed")
    assert (await answer_self_billed(said, **tools)).answer is Answer.REJECTED
    note = await credit_self_billed(CreditSelfBilled(number=first.invoice.number, again=True), **tools)
    assert (note.invoice.number, note.invoice.original) == (f"SBC{first.supplier}-00001", first.invoice.number)
    assert note.invoice.total == -first.invoice.total
    assert {account: amount for account, amount in (await booked(wiring, world)).items() if amount} == {}
    with pytest.raises(WrongState):
        await answer_self_billed(said, **tools)
    (second,) = (await bill(wiring, world)).documents
    assert (second.invoice.number, second.invoice.net) == (f"SB{first.supplier}-00002", first.invoice.net)

    await load(calls(100, 5), name="late.csv")
    await bill(wiring, world, APRIL)
    with pytest.raises(WrongState):
        await credit_self_billed(CreditSelfBilled(number=second.invoice.number, again=True), **tools)
    part = await credit_self_billed(CreditSelfBilled(number=second.invoice.number, amount=CENT), **tools)
    assert part.invoice.total == -CENT
    assert await bill(wiring, world) == SelfBilling()
    with pytest.raises(WrongState):
        await credit_self_billed(CreditSelfBilled(number=note.invoice.number), **tools)


async def test_agreements_do_not_owe_the_same_twice(wiring: Wiring, world: made.World, load: Importer) -> None:
    kept = await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    other = replace(CARRIER, code="other")
    with pytest.raises(Conflict) as shared:
        await put_supplier(other, actor=world.actor, begin=wiring.begin)
    assert shared.value.field == "trunks"
    ended = replace(CARRIER, valid_to=date(2026, 3, 1), version=kept.version)
    assert (await put_supplier(ended, actor=world.actor, begin=wiring.begin)).version == kept.version + 1
    await put_supplier(replace(other, valid_from=date(2026, 3, 1)), actor=world.actor, begin=wiring.begin)
    found = await list_suppliers(actor=world.actor, begin=wiring.begin)
    assert [one.code for one in found] == ["carrier", "other"]
    await load(calls(0, 30))
    run = await bill(wiring, world)
    assert [one.invoice.payer.number for one in run.documents] == ["other"]
    assert [(one.supplier, one.reason) for one in run.unbilled] == [("carrier", "no_agreement")]
    with pytest.raises(NotFound):
        await bill(wiring, world, suppliers=("nobody",))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"trunks": ()}, "trunks"),
        ({"vat_id": None}, "vatId"),
        ({"agreed_on": date(2026, 3, 1)}, "agreedOn"),
        ({"valid_to": date(2026, 2, 1)}, "validTo"),
        ({"account": "40"}, "account"),
        ({"code": "a b"}, "code"),
        ({"vat_percent": Decimal(101)}, "vatPercent"),
    ],
)
async def test_an_agreement_that_cannot_be_is_refused(stored: Wiring, changed: dict[str, Any], field: str) -> None:
    world = await made.with_source(stored, f"sup{field}".lower())
    with pytest.raises(BadValue) as refused:
        await put_supplier(replace(CARRIER, **changed), actor=world.actor, begin=stored.begin)
    assert refused.value.field == field


async def test_who_may_not_see_costs_writes_nobodys_invoices(wiring: Wiring, world: made.World) -> None:
    clerk = replace(world.actor, scopes=frozenset({Action.RUN_BILLS, Action.READ_INVOICES}))
    with pytest.raises(NotAllowed):
        await self_bill(SelfBill(period=MARCH), actor=clerk, begin=wiring.begin, clock=wiring.clock)


async def test_two_at_once_write_one_document(stored: Wiring) -> None:
    world = await made.with_source(stored, "suptwice")
    await made.load(stored, world, calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=stored.begin)
    runs = await asyncio.gather(*(bill(stored, world) for _ in range(3)))
    assert [one.invoice.number for run in runs for one in run.documents] == [
        f"SB{run.documents[0].supplier}-00001" for run in runs if run.documents
    ]


async def test_anothers_suppliers_and_documents_are_not_there(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    await load(calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    (document,) = (await bill(wiring, world)).documents
    other = await made.with_source(wiring, f"other{world.operator}")
    tools: dict[str, Any] = {"actor": other.actor, "begin": wiring.begin, "clock": wiring.clock}
    with pytest.raises(NotFound):
        await self_bill(SelfBill(period=MARCH, suppliers=("carrier",)), **tools)
    with pytest.raises(NotFound):
        await credit_self_billed(CreditSelfBilled(number=document.invoice.number), **tools)
    said = AnswerSelfBilled(number=document.invoice.number, answer=Answer.ACCEPTED)
    with pytest.raises(NotFound):
        await answer_self_billed(said, **tools)
    assert await list_suppliers(actor=other.actor, begin=wiring.begin) == []
    page = await list_self_billed(PageRequest(), actor=other.actor, begin=wiring.begin, supplier="carrier")
    assert page.items == []


async def test_a_months_journal_has_what_suppliers_are_owed(stored: Wiring) -> None:
    world = await made.with_source(stored, "supbooks")
    await made.load(stored, world, calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=stored.begin)
    (document,) = (await bill(stored, world)).documents
    around: dict[str, Any] = {"actor": world.actor, "begin": stored.begin, "period": APRIL}
    assert (await make_journal(**around)).left == [document.invoice.number]
    async with stored.begin(world.actor) as unit:
        rate = DayRate(date(2026, 3, 31), "EUR", "SEK", Decimal("11.25"), "ECB")
        await unit.exchange.put([rate], replace=False, at=made.NOW)
    booked_at_home = await make_journal(**around)
    assert booked_at_home.left == []
    (voucher,) = booked_at_home.vouchers
    owes = (document.invoice.total * Decimal("11.25")).quantize(CENT, ROUND_HALF_UP)
    rows = {row.account: row.amount for row in voucher.rows}
    assert (voucher.series, rows["2440"], rows["4041"]) == ("L", -owes, owes)
    assert rows["2645"] == -rows["2614"] == (owes / 4).quantize(CENT, ROUND_HALF_UP)


@pytest.mark.parametrize("suffix", ["pdf", "json", "csv"])
async def test_a_document_is_made_as_often_as_asked(stored: Wiring, suffix: str) -> None:
    world = await made.with_source(stored, f"supdoc{suffix}")
    await made.load(stored, world, calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=stored.begin)
    (document,) = (await bill(stored, world)).documents
    number = document.invoice.number
    around: dict[str, Any] = {"actor": world.actor, "begin": stored.begin, "documents": stored.documents}
    _, content = await print_self_billed(number, suffix=suffix, **around)
    assert content == (await print_self_billed(number, suffix=suffix, **around))[1]
    assert content.startswith(b"%PDF") if suffix == "pdf" else number.encode() in content
    with pytest.raises(BadValue):
        await print_self_billed(number, suffix="doc", **around)


async def taken_back(wiring: Wiring, world: made.World, file: Imported) -> None:
    """Withdraw a file: each of its events is taken back by another."""
    await withdraw_file(
        WithdrawFile(file=file.file.id, why="the switch counted twice"),
        actor=world.actor, begin=wiring.begin, clock=wiring.clock, formats=wiring.formats, raters=wiring.raters,
    )  # fmt: skip


async def test_what_is_taken_back_corrects_the_document_that_has_it(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    file = await load(calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    (first,) = (await bill(wiring, world)).documents
    await taken_back(wiring, world, file)
    (second,) = (await bill(wiring, world, APRIL)).documents
    assert (second.invoice.kind, second.invoice.net) == (DocumentKind.CREDIT_NOTE, -first.invoice.net)
    assert {line.corrects for line in second.invoice.lines} == {first.invoice.number}
    assert {account: amount for account, amount in (await booked(wiring, world)).items() if amount} == {}
    assert await bill(wiring, world, APRIL) == SelfBilling()


async def test_what_was_credited_as_a_whole_is_not_given_back_again(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    file = await load(calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    (first,) = (await bill(wiring, world)).documents
    tools: dict[str, Any] = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock}
    await credit_self_billed(CreditSelfBilled(number=first.invoice.number), **tools)
    await taken_back(wiring, world, file)
    assert await bill(wiring, world, APRIL) == SelfBilling()


async def test_what_a_document_that_was_taken_back_gave_back_is_left_to_be_credited(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    await load(calls(0, 30))
    few = await load(calls(100, 5), name="few.csv")
    await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    (first,) = (await bill(wiring, world)).documents
    await taken_back(wiring, world, few)
    await load(calls(200, 60, start=made.FIRST + timedelta(days=30)), name="more.csv")
    (second,) = (await bill(wiring, world, APRIL)).documents
    assert second.invoice.net > 0
    assert first.invoice.number in {line.corrects for line in second.invoice.lines}
    tools: dict[str, Any] = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock}
    for one in (second, first):
        note = await credit_self_billed(CreditSelfBilled(number=one.invoice.number, again=True), **tools)
        assert note.invoice.total == -one.invoice.total
    assert {account: amount for account, amount in (await booked(wiring, world)).items() if amount} == {}
    (anew,) = (await bill(wiring, world, APRIL)).documents
    exact = await owed(wiring, world, datetime(2026, 5, 1, tzinfo=UTC))
    assert Decimal(sum(line.amount_micro or 0 for line in anew.invoice.lines)).scaleb(-6) == exact


async def test_an_agreement_that_is_changed_neither_loses_nor_owes_twice(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    await load(calls(0, 30))
    await load(calls(100, 10, start=made.FIRST + timedelta(days=10)), name="then.csv")
    since = (made.FIRST + timedelta(days=5)).date()
    kept = await put_supplier(replace(CARRIER, valid_from=since), actor=world.actor, begin=wiring.begin)
    (first,) = (await bill(wiring, world)).documents
    kept = await put_supplier(replace(CARRIER, version=kept.version), actor=world.actor, begin=wiring.begin)
    (second,) = (await bill(wiring, world)).documents
    exactly = sum(line.amount_micro or 0 for one in (first, second) for line in one.invoice.lines)
    assert Decimal(exactly).scaleb(-6) == await owed(wiring, world, datetime(2026, 5, 1, tzinfo=UTC))

    # The trunk becomes another's, for the same time.
    moved = replace(CARRIER, trunks=("T9",), version=kept.version)
    await put_supplier(moved, actor=world.actor, begin=wiring.begin)
    await put_supplier(replace(CARRIER, code="other"), actor=world.actor, begin=wiring.begin)
    assert await bill(wiring, world) == SelfBilling()
    await load(calls(200, 3), name="late.csv")
    (third,) = (await bill(wiring, world)).documents
    assert third.invoice.payer.number == "other"


async def test_two_who_keep_suppliers_at_once_do_not_take_the_same_trunk(stored: Wiring) -> None:
    world = await made.with_source(stored, "suptrunk")

    async def put(code: str) -> bool:
        try:
            await put_supplier(replace(CARRIER, code=code), actor=world.actor, begin=stored.begin)
        except Conflict as no:
            assert no.field == "trunks"  # noqa: PT017  (some of them get it)
            return False
        return True

    assert sorted(await asyncio.gather(*(put(f"carrier{n}") for n in range(5)))) == [False] * 4 + [True]


async def test_an_approval_holds_until_all_is_written(wiring: Wiring, world: made.World, load: Importer) -> None:
    await load(calls(0, 30))
    await put_supplier(CARRIER, actor=world.actor, begin=wiring.begin)
    rule = ApprovalRule(kind=ApprovalKind.BILL_RUN)
    asked = SetApprovalRules(rules=(rule,), version=0)
    await set_approval_rules(asked, actor=world.actor, begin=wiring.begin, alone=True)
    with pytest.raises(NeedsApproval) as waits:
        await bill(wiring, world)
    key = ApprovalId(int(waits.value.values["approval"]))
    async with wiring.begin(world.actor) as unit:
        approval = await unit.approvals.claim(key)
        await unit.approvals.keep(replace(approval, state=ApprovalState.APPROVED))
    asker, left = asker_of(approval), 3

    def cut_short(actor: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise ConnectionError
        return wiring.begin(actor, **more)

    cmd = SelfBill(period=MARCH, issued_on=MARCH.end)
    with pytest.raises(ConnectionError):
        await self_bill(cmd, actor=asker, begin=cut_short, clock=wiring.clock)
    async with wiring.begin(world.actor) as unit:
        assert (await unit.approvals.claim(key)).state is ApprovalState.APPROVED
    done = await self_bill(cmd, actor=asker, begin=wiring.begin, clock=wiring.clock)
    assert len(done.documents) == 1
    with pytest.raises(WrongState, match="used already"):
        await self_bill(cmd, actor=asker, begin=wiring.begin, clock=wiring.clock)


async def test_commissions_are_owed_once_whoever_gets_them_and_none_is_lost(wiring: Wiring, world: made.World) -> None:
    """A statement tells of several resellers; suppliers' resellers are replaced, and given to others."""
    same = {
        "salesperson": "",
        "team": "",
        "basis": CommissionOn.FEES,
        "count": 1,
        "base": Decimal(1),
        "rate": Decimal(1),
    }
    lines = tuple(
        CommissionLine(reseller=reseller, rule="r", commission=Decimal(amount), **same)
        for reseller, amount in ((world.reseller, 100), (world.sibling, 10))
    )
    async with wiring.begin(world.actor, bulk=True) as unit:
        await unit.commissions.add(
            Statement(
                id=0,
                operator=world.actor.operator,
                period=MARCH,
                currency="EUR",
                made_at=wiring.clock.now(),
                client="boss",
                horizon=0,
                lines=lines,
            )
        )
    around = {"actor": world.actor, "begin": wiring.begin}
    agent = replace(CARRIER, trunks=())
    kept = await put_supplier(replace(agent, reseller=world.reseller), **around)
    with pytest.raises(WrongState, match="write them first"):
        await put_supplier(replace(agent, reseller=world.sibling, version=kept.version), **around)
    (document,) = (await bill(wiring, world)).documents
    assert document.invoice.net == 100
    kept = await put_supplier(replace(agent, reseller=world.sibling, version=kept.version), **around)
    (document,) = (await bill(wiring, world)).documents
    assert document.invoice.net == 10
    await put_supplier(replace(agent, code="other", reseller=world.reseller), **around)
    assert await bill(wiring, world) == SelfBilling()
