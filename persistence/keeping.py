"""Answers kept under idempotency keys, in PostgreSQL and in memory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from domain.access.actor import Actor
from domain.ports.keeping import KEPT_FOR, TURN, Asked, Kept, OtherContent, not_told
from domain.refusal import Conflict
from persistence.engine import Transaction
from persistence.memory import Draft


class KeepingStore:
    """Keeps ``domain.ports.keeping.Keeping``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor

    async def begin(self, key: str, content: bytes, token: bytes, *, now: datetime) -> Kept | None:
        """Return what was answered; None where the key is the token's to answer. Refuses with: Conflict."""
        connection = self._transaction.connection
        who = (self._actor.operator, self._actor.caller, key)
        await connection.execute(
            "delete from kept_answer where operator = $1 and begun_at < $2", self._actor.operator, now - KEPT_FOR
        )
        mine = await connection.fetchval(
            """insert into kept_answer as known (operator, caller, key, content, token, begun_at)
               values ($1, $2, $3, $4, $5, $6)
               on conflict (operator, caller, key) do update
               set content = excluded.content, token = excluded.token, begun_at = excluded.begun_at
               where not known.done and known.begun_at < $7 returning true""",
            *who,
            content,
            token,
            now,
            now - TURN,
        )
        if mine:
            return None
        row = await connection.fetchrow(
            "select content, done, answer, asked from kept_answer where operator = $1 and caller = $2 and key = $3",
            *who,
        )
        if row is None:  # it was refused between the two statements
            raise _running()
        return _answered(bytes(row["content"]) == content, row["done"], row["answer"], _read(row["asked"]))

    async def done(self, token: bytes) -> None:
        """Record that there is an effect. Refuses with: Conflict."""
        mine = await self._transaction.connection.fetchval(
            "update kept_answer set done = true where operator = $1 and token = $2 returning true",
            self._actor.operator,
            token,
        )
        if not mine:
            raise _running()

    async def finish(self, token: bytes, answer: str | None, asked: Asked | None = None) -> None:
        """Keep the answer."""
        await self._transaction.connection.execute(
            "update kept_answer set done = true, answer = $3, asked = $4 where operator = $1 and token = $2",
            *(self._actor.operator, token, answer, _written(asked)),
        )

    async def drop(self, token: bytes, answer: str | None, asked: Asked | None = None) -> None:
        """Forget the key where nothing was done; where something was, keep the answer."""
        connection = self._transaction.connection
        who = (self._actor.operator, token)
        await connection.execute("delete from kept_answer where operator = $1 and token = $2 and not done", *who)
        await connection.execute(
            "update kept_answer set answer = $3, asked = $4 where operator = $1 and token = $2",
            *(*who, answer, _written(asked)),
        )


def _written(asked: Asked | None) -> str | None:
    return None if asked is None else json.dumps(asdict(asked))


def _read(text: str | None) -> Asked | None:
    if text is None:
        return None
    told = json.loads(text)
    return Asked(tuple((scope, name) for scope, name in told["permissions"]), told["reseller"], tuple(told["groups"]))


@dataclass(frozen=True, slots=True)
class _Row:
    content: bytes
    token: bytes
    begun_at: datetime
    done: bool = False
    answer: str | None = None
    asked: Asked | None = None


class MemoryKeeping:
    """Keeps ``domain.ports.keeping.Keeping``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def begin(self, key: str, content: bytes, token: bytes, *, now: datetime) -> Kept | None:
        """Return what was answered; None where the key is the token's to answer. Refuses with: Conflict."""
        rows, actor = self._draft.table("kept_answer"), self._draft.actor
        for place, row in list(rows.items()):
            if place[0] == actor.operator and row.begun_at < now - KEPT_FOR:
                del rows[place]
        place = (actor.operator, actor.caller, key)
        known = rows.get(place)
        if known is None or (not known.done and known.begun_at < now - TURN):
            rows[place] = _Row(content, token, now)
            return None
        return _answered(known.content == content, known.done, known.answer, known.asked)

    def _place(self, token: bytes) -> tuple[int, str, str] | None:
        rows = self._draft.table("kept_answer")
        return next((place for place, row in rows.items() if row.token == token), None)

    async def done(self, token: bytes) -> None:
        """Record that there is an effect. Refuses with: Conflict."""
        place = self._place(token)
        if place is None:
            raise _running()
        rows = self._draft.table("kept_answer")
        rows[place] = replace(rows[place], done=True)

    async def finish(self, token: bytes, answer: str | None, asked: Asked | None = None) -> None:
        """Keep the answer."""
        if (place := self._place(token)) is not None:
            rows = self._draft.table("kept_answer")
            rows[place] = replace(rows[place], done=True, answer=answer, asked=asked)

    async def drop(self, token: bytes, answer: str | None, asked: Asked | None = None) -> None:
        """Forget the key where nothing was done; where something was, keep the answer."""
        if (place := self._place(token)) is None:
            return
        rows = self._draft.table("kept_answer")
        if rows[place].done:
            rows[place] = replace(rows[place], answer=answer, asked=asked)
        else:
            del rows[place]


def _answered(same: bool, done: bool, answer: str | None, asked: Asked | None) -> Kept:
    """Return the answer that is known. Refuses with: Conflict."""
    if not same:
        raise OtherContent
    if not done:
        raise _running()
    if answer is None:
        raise not_told()
    return Kept(answer, asked)


def _running() -> Conflict:
    return Conflict("a command with this idempotency key is being carried out at this moment", field="idempotencyKey")
