"""Customers by what is typed of a name, a number, an identity number, an address, an invoice, a contract or a line.

The words lie in ``customer_term``, in the order of their bytes. A beginning is a range of it, and a page is read where
the last one ended, whatever else matches. Row-level security lets an index answer such a comparison, but no LIKE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.access.actor import Actor
from domain.customers.searching import Wanted, wanted
from domain.ids import CustomerId
from domain.refusal import BadValue

BEYOND: Final = "\U0010ffff"  # behind every text that begins the same
SPARE: Final = 16  # rows above a page: a customer may have several words that begin the same
NOWHERE: Final[tuple[str, int]] = ("", 0)
COMMON: Final = 300  # a word that more customers have need not be counted further
SAMPLE: Final = 100
_BEGINS: Final = "operator = $1 and term >= $2 and term < $3"


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
    place = NOWHERE
    if after is not None:
        known = (await _first_terms(connection, actor, leads, [after])).get(after)
        if known is None:
            raise BadValue("what the page before ended with is not found any more; begin again", field="after")
        place = (known, after)
    found: dict[int, str] = {}
    for one in meant:
        for customer, term in (await _range(connection, actor, one, place, parent, first, leads)).items():
            found[customer] = min(term, found.get(customer, term))
    return [CustomerId(key) for key in sorted(found, key=lambda key: (found[key], key))][:first]


async def _ordered(connection: Any, actor: Actor, one: Wanted) -> Wanted:
    """Return the words with that one first whose customers are to be walked through.

    It is the rarest, or of several common ones the one among whose first customers the most have the others too: who is
    walked through in the order of first names has all others of one family name before the next.
    """
    if len(one.words) == 1:
        return one
    counts = {word: await _count(connection, actor, word) for word in one.words}
    if min(counts.values()) >= COMMON:
        counts = {word: -await _shared(connection, actor, word, one.words) for word in one.words}
    return Wanted(tuple(sorted(one.words, key=lambda word: (counts[word], -len(word)))))


async def _count(connection: Any, actor: Actor, word: str) -> int:
    """Return how many words begin so, up to ``COMMON``."""
    found: int = await connection.fetchval(
        f"select count(*) from (select from customer_term where {_BEGINS}{_own(actor, 5)} limit $4) t",  # noqa: S608  (our own words)
        *(int(actor.operator), word, word + BEYOND, COMMON, *_resellers(actor)),
    )
    return found


async def _shared(connection: Any, actor: Actor, word: str, words: Sequence[str]) -> int:
    """Return how many of the first ``SAMPLE`` customers with a word have all others."""
    others = [other for other in words if other != word]
    found: int = await connection.fetchval(
        f"select count(*) from (select customer from customer_term where {_BEGINS}{_own(actor, 8)}"  # noqa: S608  (our own words)
        " order by term, customer limit $4) t where (select count(*) from unnest($5::text[], $6::text[]) w (low, high)"
        " where (select true from customer_term o where o.operator = $1 and o.customer = t.customer and o.term >= w.low"
        " and o.term < w.high limit 1)) = $7",
        *(int(actor.operator), word, word + BEYOND, SAMPLE, others, [other + BEYOND for other in others], len(others)),
        *_resellers(actor),
    )
    return found


def _own(actor: Actor, place: int) -> str:
    """Return the condition that finds a reseller's words in their own index; the operator's client sees them all."""
    return "" if actor.reseller is None else f" and reseller = any (${place}::bigint[])"


def _resellers(actor: Actor) -> tuple[list[int], ...]:
    return () if actor.reseller is None else (list(actor.resellers),)


async def _range(  # noqa: PLR0917  (one question)
    connection: Any,
    actor: Actor,
    one: Wanted,
    place: tuple[str, int],
    parent: int | None,
    first: int,
    leads: Sequence[str],
) -> Mapping[int, str]:
    """Return at least ``first`` customers after a place, where there are, with the word that each was found by."""
    lead, *others = one.words
    goes_on = place != NOWHERE
    # Where the index is entered: of two lower bounds PostgreSQL may take the one that lies further off.
    place = max(place, (lead, 0))
    values: list[Any] = [int(actor.operator), lead + BEYOND]
    conditions = ["t.operator = $1 and t.term < $2 and (t.term, t.customer) > ($3, $4)"]
    for word in others:
        values += [word, word + BEYOND]
        low, high = len(values) + 1, len(values) + 2
        # Not "exists", which the planner may join: row by row it ends as soon as a page is full.
        conditions.append(
            f"(select true from customer_term o where o.operator = $1 and o.customer = t.customer"  # noqa: S608  (likewise)
            f" and o.term >= ${low} and o.term < ${high} limit 1)"
        )
    if parent is not None:
        values.append(parent)
        conditions.append(
            f"(select true from customer c where c.operator = $1 and c.id = t.customer"  # noqa: S608  (likewise)
            f" and c.parent = ${len(values) + 2} limit 1)"
        )
    chosen = f"select t.customer, t.term from customer_term t where {' and '.join(conditions)}"  # noqa: S608  (our own words)
    size = first + SPARE
    # A number, not a value: PostgreSQL would plan for a tenth of all words, and anew each time.
    order = f"order by t.term, t.customer limit {size}"
    if actor.reseller is None:
        query = f"{chosen} {order}"
    else:
        # His are few among many: each reseller's words lie together in an index of their own.
        values.append(list(actor.resellers))
        query = (
            f"select t.* from unnest(${len(values) + 2}::bigint[]) r (id) cross join lateral"  # noqa: S608  (our own words)
            f" ({chosen} and t.reseller = r.id {order}) t {order}"
        )
    found: dict[int, str] = {}
    while len(found) < first:
        rows = await connection.fetch(query, *values[:2], *place, *values[2:])
        # What another of its words has shown on an earlier page is not shown again.
        earliest = await _first_terms(connection, actor, leads, [row["customer"] for row in rows]) if goes_on else {}
        for row in rows:
            if earliest.get(row["customer"], row["term"]) >= row["term"]:
                found.setdefault(row["customer"], row["term"])
        if len(rows) < size:
            break
        place = (rows[-1]["term"], rows[-1]["customer"])
    return found


async def _first_terms(connection: Any, actor: Actor, leads: Sequence[str], keys: Sequence[int]) -> dict[int, str]:
    """Return of each customer the first of its words that one of the leading ones begins."""
    rows = await connection.fetch(
        'select t.customer, min(t.term collate "C") as term from customer_term t, unnest($2::text[], $3::text[]) as'
        " l (low, high) where t.operator = $1 and t.customer = any ($4::bigint[]) and t.term >= l.low and"
        " t.term < l.high group by t.customer",
        *(int(actor.operator), list(leads), [lead + BEYOND for lead in leads], list(keys)),
    )
    return {row["customer"]: row["term"] for row in rows}
