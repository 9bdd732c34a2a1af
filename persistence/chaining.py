"""The trail's chain in PostgreSQL. Whoever writes a line waits for nobody: links are made behind the writers.

Lines are linked in the order of their transactions, once every transaction that began before has ended, so that a
line never turns up behind its place. What is linked is never changed; letting go marks the link.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from domain.access.chain import GENESIS, KEEPING, Anchor, Fault, Line, Link, linked
from domain.ports.trail import Entry, Head, Sign
from persistence.engine import INGEST, OWNER, Database
from persistence.trail import LINE, line_of

BLOCK: Final = 5000
CHAINER: Final = 0x746F6C0E  # an advisory lock: one process links at a time
CLIENT: Final = "trail"
_NEXT: Final = f"""
select {LINE} from audit a where a.txid >= $1 and a.txid < $2
    and not exists (select from audit_link l where l.audit = a.id) order by a.txid, a.id limit {BLOCK}"""  # noqa: S608  (our own words)
_LINKS: Final = """
insert into audit_link (operator, seq, audit, at, kind, digest, hash)
select * from unnest($1::int[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bytea[], $7::bytea[])"""
_WALK: Final = f"""
select l.seq, l.audit, l.at as linked_at, l.kind as linked_kind, l.digest, l.hash, l.removed_by, {LINE}
from audit_link l left join audit a on a.id = l.audit where l.operator = $1 and l.seq > $2 order by l.seq limit $3"""  # noqa: S608  (our own words)
_RECORDED: Final = (
    *("operator", "at", "client", "kind", "action", "target", "outcome", "user", "factor", "behalf", "reseller"),
    *("address", "request", "seen", "detail"),
)
_KEPT: Final = """
insert into audit (operator, client, factor, kind, action, target, detail)
values ($1, $2, '', 'keeping', $3, 'trail', $4) returning id"""
_ANCHORED: Final = """
insert into outbox (operator, kind, payload, subject) values ($1, 'trail.anchored', $2, 'trail')"""


class StoredTrail:
    """Keeps ``domain.ports.trail.TrailKeeper``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write lines, all in one transaction."""
        async with self._database.transaction(role=INGEST) as unit:
            rows = [_row(one) for one in entries]
            await unit.connection.copy_records_to_table("audit", records=rows, columns=_RECORDED)

    async def chain(self) -> int:
        """Link a block of what has been committed and is not linked yet; 0 where another process does."""
        async with self._database.transaction(role=OWNER, isolation="repeatable_read") as unit:
            run = unit.connection
            if not await run.fetchval("select pg_try_advisory_xact_lock($1)", CHAINER):
                return 0
            edges = await run.fetchrow("select edge, pg_snapshot_xmin(pg_current_snapshot()) as until from audit_edge")
            rows = await run.fetch(_NEXT, edges["edge"], edges["until"])
            if len(rows) < BLOCK and edges["edge"] != edges["until"]:
                await run.execute("update audit_edge set edge = $1", edges["until"])
            if not rows:
                return 0
            heads = {
                row["operator"]: (row["seq"], bytes(row["hash"]))
                for row in await run.fetch("select operator, seq, hash from audit_chain")
            }
            made: list[tuple[Any, ...]] = []
            for row in rows:
                chain = row["operator"] or 0
                seq, before = heads.get(chain, (0, GENESIS))
                link = linked(line_of(row, bare=True), seq=seq + 1, before=before)
                heads[chain] = (link.seq, link.hash)
                made.append((chain, link.seq, link.audit, link.at, link.kind, link.digest, link.hash))
            await run.execute(_LINKS, *([row[place] for row in made] for place in range(7)))
            grown = {row[0] for row in made}
            await run.executemany(
                "insert into audit_chain (operator, seq, hash) values ($1, $2, $3)"
                " on conflict (operator) do update set seq = excluded.seq, hash = excluded.hash",
                [(chain, *heads[chain]) for chain in grown],
            )
        return len(made)

    async def heads(self) -> Sequence[Head]:
        """Return the ends of all chains, by operator."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            rows = await unit.connection.fetch("select operator, seq, hash from audit_chain order by operator")
        return [Head(operator=row["operator"], seq=row["seq"], hash=bytes(row["hash"])) for row in rows]

    async def anchor(self, sign: Sign, *, at: datetime, since: datetime) -> Sequence[Anchor]:
        """Anchor each chain that has grown and was not anchored ``since``, and promise the event that tells of it."""
        made: list[Anchor] = []
        async with self._database.transaction(role=OWNER) as unit:
            run = unit.connection
            if not await run.fetchval("select pg_try_advisory_xact_lock($1)", CHAINER):
                return []
            rows = await run.fetch(
                "select c.operator, c.seq, c.hash from audit_chain c where not exists (select from audit_anchor a"
                " where a.operator = c.operator and (a.seq = c.seq or a.made_at > $1)) order by c.operator",
                since,
            )
            for row in rows:
                kid, token = sign(row["operator"], row["seq"], bytes(row["hash"]), at)
                one = Anchor(
                    operator=row["operator"], seq=row["seq"], hash=bytes(row["hash"]), made_at=at, kid=kid, token=token
                )
                await run.execute(
                    "insert into audit_anchor (operator, seq, hash, made_at, kid, token)"
                    " values ($1, $2, $3, $4, $5, $6)",
                    *(one.operator, one.seq, one.hash, one.made_at, one.kid, one.token),
                )
                if one.operator:
                    told = {"seq": one.seq, "hash": one.hash.hex(), "token": one.token}
                    await run.execute(_ANCHORED, one.operator, json.dumps(told, sort_keys=True))
                made.append(one)
        return made

    async def anchors(self, operator: int) -> Sequence[Anchor]:
        """Return a chain's anchors, the oldest first."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            rows = await unit.connection.fetch(
                "select operator, seq, hash, made_at, kid, token from audit_anchor where operator = $1 order by seq",
                operator,
            )
        return [Anchor(**dict(row)) for row in rows]

    async def walk(self, operator: int) -> AsyncIterator[Sequence[tuple[Link, Line | None]]]:
        """Yield a chain's links with their lines, in blocks."""
        after = 0
        while True:
            async with self._database.transaction(role=OWNER, readonly=True) as unit:
                rows = await unit.connection.fetch(_WALK, operator, after, BLOCK)
            if not rows:
                return
            after = rows[-1]["seq"]
            yield [(_link(row), None if row["id"] is None else line_of(row)) for row in rows]

    async def strays(self, operator: int) -> Fault | None:
        """Return the first line that should be linked and is not."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            row = await unit.connection.fetchrow(
                "select a.id from audit a where coalesce(a.operator, 0) = $1 and a.txid < (select edge from audit_edge)"
                " and not exists (select from audit_link l where l.audit = a.id and l.operator = $1)"
                " order by a.id limit 1",
                operator,
            )
        return None if row is None else Fault(0, row["id"], "the line stands in no link: it was added behind the chain")

    async def let_go(self, operator: int, kind: str, *, before: datetime) -> int:
        """Remove lines of a kind that are older, a block of them, and say so in a line of its own."""
        async with self._database.transaction(role=OWNER, statement_seconds=600) as unit:
            run = unit.connection
            await run.execute("select set_config('app.trail', 'keeping', true)")
            rows = await run.fetch(
                "select l.seq, l.audit from audit_link l where l.operator = $1 and l.kind = $2 and l.at < $3"
                " and l.removed_by is null order by l.at limit $4",
                *(operator, kind, before, BLOCK),
            )
            if not rows:
                return 0
            told = {"kind": kind, "before": before.isoformat(), "lines": len(rows)}
            mine = await run.fetchval(_KEPT, operator or None, CLIENT, KEEPING, json.dumps(told, sort_keys=True))
            seqs, keys = [row["seq"] for row in rows], [row["audit"] for row in rows]
            await run.execute(
                "update audit_link set removed_by = $3 where operator = $1 and seq = any ($2::bigint[])",
                *(operator, seqs, mine),
            )
            await run.execute("delete from audit where id = any ($1::bigint[])", keys)
        return len(rows)


class MemoryTrail:
    """The same, of memory, which keeps no chain: entries are counted by what they tell, for tests to see."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def record(self, entries: Sequence[Entry]) -> None:
        """Keep them."""
        self.entries += entries

    async def chain(self) -> int:
        """Link nothing."""
        return 0

    async def heads(self) -> Sequence[Head]:
        """Return none."""
        return []

    async def anchor(self, sign: Sign, *, at: datetime, since: datetime) -> Sequence[Anchor]:
        """Anchor nothing."""
        del sign, at, since
        return []

    async def anchors(self, operator: int) -> Sequence[Anchor]:
        """Return none."""
        del operator
        return []

    async def walk(self, operator: int) -> AsyncIterator[Sequence[tuple[Link, Line | None]]]:
        """Yield nothing."""
        for block in [operator][1:]:
            del block
            yield []

    async def strays(self, operator: int) -> Fault | None:
        """Return none."""
        del operator
        return None

    async def let_go(self, operator: int, kind: str, *, before: datetime) -> int:
        """Remove nothing."""
        del operator, kind, before
        return 0


def _row(one: Entry) -> tuple[Any, ...]:
    detail = json.dumps(dict(one.detail), default=str, sort_keys=True) if one.detail else None
    # Of one customer the target tells; only who reads of several costs an entry in the index of who was seen.
    alone = one.seen is not None and one.target == f"customer:{one.seen[0]}" and len(one.seen) == 1
    seen = None if one.seen is None or alone else list(one.seen)
    return (
        *(one.operator, one.at, one.client, one.kind, one.action, one.target, one.outcome, one.user, one.factor),
        *(one.behalf, one.reseller, one.address, one.request, seen, detail),
    )


def _link(row: Mapping[str, Any]) -> Link:
    return Link(
        seq=row["seq"],
        audit=row["audit"],
        at=row["linked_at"],
        kind=row["linked_kind"],
        digest=bytes(row["digest"]),
        hash=bytes(row["hash"]),
        removed_by=row["removed_by"],
    )
