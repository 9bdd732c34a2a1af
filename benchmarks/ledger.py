"""A payment file to allocated and booked payments, and the reading of camt details beside a bare iterparse."""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lxml import etree

from api.garbage import collecting_seldom
from api.settings import Settings
from api.wiring import Wiring, on_database
from benchmarks.billing import make_operator
from domain.access.actor import Actor
from domain.ledger.entry import BAS
from domain.usecases.import_payments import ImportPayments, import_payments
from domain.usecases.list_payments import trial_balance
from integrations.payments import camt, formats
from persistence.embedded import start
from persistence.engine import OWNER, Database
from persistence.migrate import migrate

PAYMENTS: Final = 100_000
DETAILS: Final = 20_000
MINOR: Final = 24_900

# Invoices that nobody has paid, by SQL, since they are not what is measured. $1 is the operator.
WORLD: Final = (
    f"""insert into customer (operator, number, kind, name, street, postcode, city, country, language, delivery,
       call_specification) select $1, 'K' || n, 'person', 'Kund ' || n, 'Storgatan 1', '11122', 'Stockholm', 'SE', 'sv',
       'pdf', 'itemised' from generate_series(1, {PAYMENTS}) n""",
    f"""insert into invoice (operator, customer, kind, number, currency, period_start, period_end, issued_on, due_on,
       reference, net, vat, rounding, total, document)
       select $1, id, 'invoice', (100000 + row_number() over (order by id))::text, 'SEK', '2026-10-01', '2026-11-01',
       '2026-11-01', '2026-12-01', (100000 + row_number() over (order by id)) || '9', {MINOR / 100}, 0, 0,
       {MINOR / 100}, '{{}}' from customer where operator = $1""",
)


def run(out: Callable[[str], object] = print) -> dict[str, float]:
    """Measure and tell ``out``, line by line; return the figures by name."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the server may run as another user, who must get here
        with start(place / "server") as server:
            figures = asyncio.run(_payments(server.url, place, out))
    return figures | _details(out)


async def _payments(url: str, place: Path, out: Callable[[str], object]) -> dict[str, float]:
    async with await Database.open(url) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=place))
        actor = await _make(wiring, database)
        data = _bgmax()
        began = time.perf_counter()
        formats.read(data)
        read = time.perf_counter() - began
        began = time.perf_counter()
        cmd = ImportPayments(name="bench", data=data, read=formats.read)
        with collecting_seldom():  # as every door does that takes a file in
            done = await import_payments(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        seconds = time.perf_counter() - began
        assert done.states == {"allocated": PAYMENTS}, done.states
        balance = await trial_balance(actor=actor, begin=wiring.begin)
        assert balance[BAS.bank, "SEK"] == PAYMENTS * MINOR
        assert sum(balance.values()) == 0
        out(f"payments: a BgMax file of {PAYMENTS:,}, {len(data) / 1e6:.0f} MB, each for an invoice of its own")
        out(f"  read and checked: {read:.2f} s")
        out(f"  read, allocated and booked, committed: {seconds:.1f} s ({PAYMENTS / seconds:,.0f} a second)")
        began = time.perf_counter()
        again = await import_payments(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        assert not again.new
        out(f"  the same file again: {time.perf_counter() - began:.2f} s, nothing changed")
        return {"payments_seconds": seconds, "read_seconds": read}


async def _make(wiring: Wiring, database: Database) -> Actor:
    actor = await make_operator(wiring)
    async with database.transaction(role=OWNER, statement_seconds=0) as unit:
        for statement in WORLD:
            await unit.connection.execute(statement, actor.operator)
    async with database.transaction(role=OWNER, statement_seconds=0) as unit:
        await unit.connection.execute("analyze")
    return actor


def _bgmax() -> bytes:
    lines = ["01BGMAX               0120260601173035010331P", "050009912346          SEK"]
    lines.extend(
        f"20{'1234567':>10}{f'{100_000 + number}9':>25}{MINOR:018d}21{number:012d}0"
        for number in range(1, PAYMENTS + 1)
    )
    lines.append(f"15{'58410000010098232':0>35}2026060100001{PAYMENTS * MINOR:018d}SEK{PAYMENTS:08d} ")
    lines.append(f"70{PAYMENTS:08d}{0:08d}{0:08d}{1:08d}")
    return "\r\n".join(line.ljust(80) for line in lines).encode("iso-8859-1")


def _details(out: Callable[[str], object]) -> dict[str, float]:
    """Read one entry of many details, beside what lxml takes to go through the same elements and do nothing."""
    data = _camt()
    bare = own = 0.0
    for _ in range(3):  # the best of three, alternately: the machine may be busy
        began = time.perf_counter()
        for _, element in etree.iterparse(io.BytesIO(data)):
            element.clear()
        bare = max(bare, DETAILS / (time.perf_counter() - began))
        began = time.perf_counter()
        assert len(camt.read_054(data).records) == DETAILS
        own = max(own, DETAILS / (time.perf_counter() - began))
    out(f"camt.054: {DETAILS:,} details in one entry")
    out(f"  read: {own:,.0f} details/s; a bare iterparse: {bare:,.0f} ({own / bare:.0%})")
    return {"camt_per_second": own, "camt_bare_per_second": bare}


def _camt() -> bytes:
    details = "".join(
        f"<TxDtls><Refs><AcctSvcrRef>A{number}</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        '<Amt Ccy="SEK">15.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<RltdPties><Dbtr><Pty><Nm>Kund {number}</Nm></Pty></Dbtr>"
        "<DbtrAcct><Id><Othr><Id>3783511</Id><SchmeNm><Prtry>BGNR</Prtry></SchmeNm></Othr></Id></DbtrAcct><CdtrAcct>"
        "<Id><Othr><Id>9912346</Id></Othr></Id></CdtrAcct></RltdPties><RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry>"
        f"<Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{100_000 + number}9</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
        for number in range(DETAILS)
    )
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>'
        "<GrpHdr><MsgId>M</MsgId></GrpHdr><Ntfctn><Id>1</Id><Acct><Id><IBAN>SE4550000000058398257466</IBAN></Id></Acct>"
        f'<Ntry><Amt Ccy="SEK">{DETAILS * 15}.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><NtryDtls>'
        f"{details}</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()
