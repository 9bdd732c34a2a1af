"""Drafts of the catalogue in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.access.actor import Actor
from domain.catalogue.draft import Changes, Draft, DraftState
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.engine import Transaction
from persistence.violations import beyond, refusing


class DraftStore:
    """Keeps ``domain.ports.drafts.Drafts``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        rows: list[Any] = await self._transaction.connection.fetch(query, self._operator, *arguments)
        return rows

    async def open(self, name: str) -> Draft | None:
        """Return the open draft of this name with its changes, held until the unit ends; None: there is none."""
        rows = await self._fetch(
            "select * from catalogue_draft where operator = $1 and name = $2 and state = 'open' for update", name
        )
        return await self._whole(rows[0]) if rows else None

    async def latest(self, name: str) -> Draft:
        """Return the draft of this name that was made last, whatever became of it. Refuses with: NotFound."""
        rows = await self._fetch(
            "select * from catalogue_draft where operator = $1 and name = $2 order by id desc limit 1", name
        )
        if not rows:
            raise NotFound("no draft {name!r}", name=name, field="name")
        return await self._whole(rows[0])

    async def list(self, request: PageRequest) -> Page[Draft]:
        """List drafts by key, without their changes."""
        rows = await self._fetch(
            "select * from catalogue_draft where operator = $1 and id > $2 order by id limit $3",
            beyond(request.after),
            request.first + 1,
        )
        return Page.of([_draft(row) for row in rows], request)

    async def add(self, name: str, *, at: datetime) -> Draft:
        """Keep a new, empty draft. Refuses with: Conflict (one of this name is open)."""
        with refusing({"catalogue_draft_open": Conflict("a draft {name!r} is open already", name=name, field="name")}):
            rows = await self._fetch(
                """insert into catalogue_draft (operator, name, created_at, changed_at) values ($1, $2, $3, $3)
                   returning *""",
                name,
                at,
            )
        return _draft(rows[0])

    async def put(
        self, draft: Draft, changes: Changes, *, withdraw: Collection[tuple[str, str]] = (), at: datetime
    ) -> Draft:
        """Withdraw (part, name), then lay changes over those of an open draft, and return it as it is now."""
        await self._fetch(
            """delete from catalogue_draft_part p using unnest($3::text[], $4::text[]) as gone (part, name)
               where p.operator = $1 and p.draft = $2 and p.part = gone.part and p.name = gone.name""",
            draft.id,
            [part for part, _ in withdraw],
            [name for _, name in withdraw],
        )
        rows = [(part, name, json.dumps(body)) for part, named in changes.items() for name, body in named.items()]
        await self._fetch(
            """insert into catalogue_draft_part (operator, draft, part, name, body)
               select $1, $2, * from unnest($3::text[], $4::text[], $5::jsonb[])
               on conflict (operator, draft, part, name) do update set body = excluded.body""",
            draft.id,
            *([row[column] for row in rows] for column in range(3)),
        )
        kept = await self._fetch(
            """update catalogue_draft set version = version + 1, changed_at = $3 where operator = $1 and id = $2
               returning *""",
            draft.id,
            at,
        )
        return await self._whole(kept[0])

    async def close(self, draft: Draft) -> None:
        """Keep that an open draft is published or discarded."""
        await self._fetch(
            """update catalogue_draft set state = $3, changed_at = $4, valid_from = $5, revision = $6
               where operator = $1 and id = $2""",
            draft.id,
            draft.state.value,
            draft.changed_at,
            draft.valid_from,
            draft.revision,
        )

    async def _whole(self, row: Mapping[str, Any]) -> Draft:
        changes: dict[str, dict[str, object]] = {}
        for part in await self._fetch(
            "select part, name, body from catalogue_draft_part where operator = $1 and draft = $2 order by part, name",
            row["id"],
        ):
            changes.setdefault(part["part"], {})[part["name"]] = json.loads(part["body"])
        return replace(_draft(row), changes=changes)


def _draft(row: Mapping[str, Any]) -> Draft:
    return Draft(
        id=row["id"],
        name=row["name"],
        state=DraftState(row["state"]),
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        valid_from=row["valid_from"],
        revision=row["revision"],
    )
