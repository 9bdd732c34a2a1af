"""The trail's chain on PostgreSQL: what a database administrator does to it is found, and named (attack L5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from api.anchors import hand_out, handed_out, is_signed, read_anchor, signing
from api.auth.tokens import make_key
from domain.access.actor import Actor, system
from domain.access.chain import Anchor
from domain.ids import OperatorId
from domain.ports.trail import Entry
from domain.refusal import Unreadable
from domain.usecases.verify_trail import Verdict, verify_trail
from persistence.chaining import StoredTrail
from persistence.engine import OWNER, Database
from persistence.units import StoredUnits
from tests.api.conftest import OPERATOR

NOW = datetime(2026, 4, 1, 8, tzinfo=UTC)
KEY = make_key(NOW)


@dataclass
class Trail:
    """A database with two operators, and what keeps their trail."""

    database: Database
    keeper: StoredTrail
    boss: Actor

    async def write(self, *actions: str) -> None:
        for one in actions:
            async with StoredUnits(self.database)(self.boss) as unit:
                await unit.audit.write(one, "customer:1", {"number": one})

    async def run(self, statement: str, *arguments: object) -> None:
        """Do what only who owns the database can do."""
        async with self.database.transaction(role=OWNER) as unit:
            await unit.connection.execute("select set_config('app.trail', 'keeping', true)")
            await unit.connection.execute(statement, *arguments)

    async def verify(self, handed: tuple[Anchor, ...] = ()) -> Verdict:
        return await verify_trail(1, keeper=self.keeper, signed=lambda one: is_signed(one, [KEY]), handed_out=handed)

    async def anchor(self) -> list[Anchor]:
        return list(await self.keeper.anchor(signing([KEY], "https://billing.example"), at=NOW, since=NOW))


@pytest.fixture
async def trail(database: Database) -> Trail:
    async with database.transaction(role=OWNER) as unit:
        for number, code in ((1, "north"), (2, "south")):
            await unit.connection.execute(OPERATOR, number, code, code)
    one = Trail(database, StoredTrail(database), system(OperatorId(1), "boss"))
    await one.write(*(f"change_{index}" for index in range(10)))
    while await one.keeper.chain():
        pass
    return one


async def test_a_chain_that_nobody_touched_holds(trail: Trail) -> None:
    verdict = await trail.verify()
    assert (verdict.fault, verdict.lines) == (None, 10)
    assert await trail.keeper.chain() == 0


@pytest.mark.parametrize(
    ("what", "statement", "seq", "said"),
    [
        ("detail", """update audit set detail = '{"number": "other"}' where action = 'change_4'""", 5, "changed"),
        ("address", "update audit set address = '192.0.2.66' where action = 'change_4'", 5, "changed"),
        ("who", "update audit set client = 'somebody' where action = 'change_2'", 3, "changed"),
        ("user", "update audit set \"user\" = 7 where action = 'change_2'", 3, "changed"),
        ("when", "update audit set at = at - interval '1 day' where action = 'change_0'", 1, "changed"),
        (
            "erased",
            "update audit set detail = null, address = null, salt = null where action = 'change_6'",
            7,
            "changed",
        ),
        ("removed", "delete from audit where action = 'change_7'", 8, "gone"),
        ("the newest removed", "delete from audit where action = 'change_9'", 10, "gone"),
        (
            "reordered",
            (
                "update audit a set action = b.action, at = b.at, detail = b.detail, salt = b.salt from audit b"
                " where (a.action, b.action) in (('change_3', 'change_5'), ('change_5', 'change_3'))"
            ),
            4,
            "changed",
        ),
        (
            "links reordered",
            "update audit_link l set audit = -l.audit where l.seq in (4, 5)",
            4,
            "changed or moved",
        ),
        ("a link removed", "delete from audit_link where seq = 6", 6, "missing"),
        ("the end removed", "delete from audit_link where seq > 8", 9, "end was removed"),
        (
            "added behind",
            "insert into audit (operator, client, action, target, txid) values (1, 'x', 'y', 'z', '1')",
            0,
            "added behind",
        ),
    ],
)
async def test_l5_the_first_line_that_does_not_hold_is_named(
    trail: Trail, what: str, statement: str, seq: int, said: str
) -> None:
    await trail.run(statement)
    while await trail.keeper.chain():
        pass
    fault = (await trail.verify()).fault
    assert fault is not None, what
    assert (fault.seq, said in fault.what) == (seq, True), fault


async def test_l5_whoever_computes_the_whole_chain_anew_does_not_fit_the_anchor(trail: Trail, tmp_path: Path) -> None:
    made = await trail.anchor()
    assert [(one.operator, one.seq) for one in made] == [(1, 10)]
    assert (await trail.verify()).anchors == 1
    hand_out(made, tmp_path / "anchors")
    # Everything is in the hands of who owns the database: lines, links, heads.
    await trail.run("update audit set client = 'somebody' where action = 'change_2'")
    await trail.run("delete from audit_link")
    await trail.run("delete from audit_chain")
    await trail.run("update audit_edge set edge = '0'")
    while await trail.keeper.chain():
        pass
    fault = (await trail.verify()).fault
    assert fault is not None
    assert (fault.seq, "anchored" in fault.what) == (10, True)
    # With the anchors too: the ones that were handed out remember.
    await trail.run("delete from audit_anchor")
    assert (await trail.verify()).fault is None
    kept = tuple(handed_out(tmp_path / "anchors", [KEY]))
    fault = (await trail.verify(kept)).fault
    assert fault is not None
    assert fault.seq == 10


async def test_an_anchor_that_is_not_ours_is_none(trail: Trail, tmp_path: Path) -> None:
    other = make_key(NOW)
    forged = signing([other], "https://billing.example")(1, 10, bytes(32), NOW)
    assert read_anchor(forged[1], [KEY]) is None
    (tmp_path / "anchors").write_text(forged[1])
    with pytest.raises(Unreadable):
        handed_out(tmp_path / "anchors", [KEY])
    await trail.run(
        "insert into audit_anchor (operator, seq, hash, made_at, kid, token) values (1, 10, $1, $2, $3, $4)",
        *(bytes(32), NOW, KEY.kid, forged[1]),
    )
    fault = (await trail.verify()).fault
    assert fault is not None
    assert "signed" in fault.what


async def test_what_is_erased_leaves_the_chain_whole(trail: Trail) -> None:
    async with StoredUnits(trail.database)(trail.boss) as unit:
        assert await unit.audit.erase("erase_person", "customer:1", {"version": 2}, targets=["customer:1"]) == 10
    while await trail.keeper.chain():
        pass
    verdict = await trail.verify()
    assert (verdict.fault, verdict.lines, verdict.erased) == (None, 11, 10)
    async with trail.database.transaction(role=OWNER) as unit:
        kept = await unit.connection.fetchval("select count(*) from audit where detail::text like '%change_%'")
    assert kept == 0
    # One more than was told is found.
    await trail.write("change_later")
    while await trail.keeper.chain():
        pass
    await trail.run(
        "update audit a set withheld = sha256(a.salt || convert_to(audit_private(a), 'UTF8')), detail = null,"
        " address = null, salt = null, erased_by = (select id from audit where action = 'erase_person')"
        " where action = 'change_later'"
    )
    fault = (await trail.verify()).fault
    assert fault is not None
    assert (fault.seq, "does not tell why" in fault.what) == (12, True)


async def test_what_is_let_go_leaves_the_chain_whole(trail: Trail) -> None:
    later = NOW + timedelta(days=400)
    old = [
        Entry(at=NOW, operator=1, client="c", kind="read", action=f"get_{index}", target="customer:1")
        for index in range(5)
    ]
    await trail.keeper.record(old)
    while await trail.keeper.chain():
        pass
    assert await trail.keeper.let_go(1, "read", before=NOW + timedelta(seconds=1)) == 5
    assert await trail.keeper.let_go(1, "read", before=NOW + timedelta(seconds=1)) == 0
    while await trail.keeper.chain():
        pass
    verdict = await trail.verify()
    assert (verdict.fault, verdict.lines, verdict.removed) == (None, 16, 5)
    # What was not old is not explained by a line that says it was.
    del later
    await trail.run("update audit_link set removed_by = (select max(id) from audit) where seq = 4")
    await trail.run("delete from audit where action = 'change_3'")
    fault = (await trail.verify()).fault
    assert fault is not None
    assert fault.seq == 4


async def test_nobody_changes_a_line_by_a_slip(trail: Trail) -> None:
    for statement in ("update audit set client = 'x'", "delete from audit", "delete from audit_link"):
        with pytest.raises(asyncpg.RaiseError, match="what happened stays"):
            async with trail.database.transaction(role=OWNER) as unit:
                await unit.connection.execute(statement)


async def test_writers_wait_for_nobody_and_every_line_gets_its_place(trail: Trail) -> None:
    """Lines of units that end in another order than they began are linked once, in one order."""
    first_wrote, second_done = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with StoredUnits(trail.database)(trail.boss) as unit:
            await unit.audit.write("slow", "customer:1")
            first_wrote.set()
            await second_done.wait()

    async def quick() -> None:
        await first_wrote.wait()
        await trail.write("quick")
        assert await trail.keeper.chain() == 0  # the slow one may still write before it
        second_done.set()

    await asyncio.gather(slow(), quick())
    await asyncio.gather(*(trail.write(f"together_{index}") for index in range(8)))
    counts = await asyncio.gather(*(trail.keeper.chain() for _ in range(4)))
    while more := await trail.keeper.chain():
        counts = [*counts, more]
    assert sum(counts) == 10
    verdict = await trail.verify()
    assert (verdict.fault, verdict.lines) == (None, 20)


async def test_each_operator_has_a_chain_of_its_own(trail: Trail) -> None:
    await trail.keeper.record(
        [
            Entry(at=NOW, operator=operator, client="c", kind="refused", action="authenticate", target="", outcome="no")
            for operator in (2, None, 1)
        ]
    )
    while await trail.keeper.chain():
        pass
    assert {one.operator: one.seq for one in await trail.keeper.heads()} == {0: 1, 1: 11, 2: 1}
    for operator in (0, 1, 2):
        verdict = await verify_trail(operator, keeper=trail.keeper, signed=lambda _: True)
        assert verdict.fault is None
