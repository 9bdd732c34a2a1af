"""Customers by what is typed of a name, a number, an identity number, an address, an invoice, a contract or a line.

The words lie in ``customer_term``, in the order of their bytes. A beginning is a range of it, and a page is read where
the last one ended, whatever else matches. Row-level security lets an index answer such a comparison, but no LIKE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from domain.access.actor import Actor
from domain.customers.searching import Wanted, wanted
from domain.ids import CustomerId
from domain.refusal import BadValue

BEYOND: Final = "\U0010ffff"  # behind every text that begins the same
COMMON: Final = 1000  # a word that more customers have need not be counted further


async def found_by_text(
    connection: Any,
    actor: Actor,
    text: str,
    country: str | None,
    *,
    after: int | None,
    parent: int | None,
    first: int,
) -> list[CustomerId]:
    """Return up to ``first`` keys of customers, each once, by the first of its words that is meant.

    ``after`` is the last one of the page before. Refuses with: BadValue where that one is not found any more.
    """
    meant = [await _ordered(connection, actor, one) for one in wanted(text, country)]
    leads = [one.words[0] for one in meant]
    if not meant:
        return []
    place: tuple[str, int] = ("", 0)
    if after is not None:
        known = (await _first_terms(connection, actor, leads, [after])).get(after)
        if known is None:
            raise BadValue("what the page before ended with is not found any more; begin again", field="after")
        place = (known, after)
    found: dict[int, str] = {}
    for one in meant:
        for customer, term in await _range(connection, actor, one, place, parent, first):
            found[customer] = min(term, found.get(customer, term))
    if len(meant) > 1 and after is not None:
        # What another spelling has shown on an earlier page is not shown again.
        earliest = await _first_terms(connection, actor, leads, list(found))
        found = {key: term for key, term in found.items() if earliest[key] >= term}
    return [CustomerId(key) for key in sorted(found, key=lambda key: (found[key], key))][:first]


async def _ordered(connection: Any, actor: Actor, one: Wanted) -> Wanted:
    """Return the words with the rarest first."""
    if len(one.words) == 1:
        return one
    counts = {}
    for word in one.words:
        counts[word] = await connection.fetchval(
            "select count(*) from (select from customer_term where operator = $1 and term >= $2 and term < $3"
            " limit $4) t",
            *(int(actor.operator), word, word + BEYOND, COMMON),
        )
    return Wanted(tuple(sorted(one.words, key=lambda word: (counts[word], -len(word)))))


async def _range(  # noqa: PLR0917  (one question)
    connection: Any, actor: Actor, one: Wanted, place: tuple[str, int], parent: int | None, first: int
) -> Sequence[tuple[int, str]]:
    """Return customers after a place with the first of their words that the leading one begins."""
    lead, *others = one.words
    values: list[Any] = [int(actor.operator), lead, lead + BEYOND, *place, first]
    conditions = [
        "t.operator = $1 and t.term >= $2 and t.term < $3 and (t.term, t.customer) > ($4, $5)",
        (
            "not exists (select from customer_term b where b.operator = $1 and b.customer = t.customer"
            " and b.term >= $2 and (b.term, b.kind) < (t.term, t.kind))"
        ),
    ]
    for word in others:
        values += [word, word + BEYOND]
        low, high = len(values) - 1, len(values)
        conditions.append(
            f"exists (select from customer_term o where o.operator = $1 and o.customer = t.customer"
            f" and o.term >= ${low} and o.term < ${high})"
        )
    if parent is not None:
        values.append(parent)
        conditions.append(
            f"exists (select from customer c where c.operator = $1 and c.id = t.customer and c.parent = ${len(values)})"
        )
    chosen = f"select t.customer, t.term from customer_term t where {' and '.join(conditions)}"  # noqa: S608  (our own words)
    order = "order by t.term, t.customer limit $6"
    if actor.reseller is None:
        query = f"{chosen} {order}"
    else:
        # His are few among many: each reseller's words lie together in an index of their own.
        values.append(list(actor.resellers))
        query = (
            f"select t.* from unnest(${len(values)}::bigint[]) r (id) cross join lateral"  # noqa: S608  (our own words)
            f" ({chosen} and t.reseller = r.id {order}) t {order}"
        )
    return [(row["customer"], row["term"]) for row in await connection.fetch(query, *values)]


async def _first_terms(connection: Any, actor: Actor, leads: Sequence[str], keys: Sequence[int]) -> dict[int, str]:
    """Return of each customer the first of its words that one of the leading ones begins."""
    rows = await connection.fetch(
        'select t.customer, min(t.term collate "C") as term from customer_term t, unnest($2::text[], $3::text[]) as'
        " l (low, high) where t.operator = $1 and t.customer = any ($4::bigint[]) and t.term >= l.low and"
        " t.term < l.high group by t.customer",
        *(int(actor.operator), list(leads), [lead + BEYOND for lead in leads], list(keys)),
    )
    return {row["customer"]: row["term"] for row in rows}
