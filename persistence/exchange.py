"""Exchange rates and how margins are watched, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.margins.exchange import DayRate, MarginRules
from domain.ports.exchange import RatesPut
from domain.refusal import Conflict
from persistence.engine import Transaction

_RATE: Final = "day, base, quote, rate, source"
_GIVEN: Final = (
    "unnest($2::date[], $3::text[], $4::text[], $5::numeric[], $6::text[]) g (day, base, quote, rate, source)"
)


class ExchangeStore:
    """Keeps ``domain.ports.exchange.ExchangeRates``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def put(self, rates: Sequence[DayRate], *, replace: bool, at: datetime) -> RatesPut:
        """Keep rates, one per pair and day. Refuses with: Conflict."""
        columns = [[getattr(one, name) for one in rates] for name in ("day", "base", "quote", "rate", "source")]
        await self._connection.execute("select pg_advisory_xact_lock(hashtext('exchange_rate'), $1)", self._operator)
        kept = await self._connection.fetch(
            f"select e.day, e.base, e.quote, e.rate as kept, g.rate from {_GIVEN} join exchange_rate e"  # noqa: S608  (our own words)
            " on e.operator = $1 and e.base = g.base and e.quote = g.quote and e.day = g.day",
            *(self._operator, *columns),
        )
        other = [row for row in kept if row["kept"] != row["rate"]]
        if other and not replace:
            one = min(other, key=lambda row: (row["day"], row["base"], row["quote"]))
            raise Conflict(
                "{one}: 1 {one_2} is kept as {one_3} {one_4}, here it is {one_5}; {count} such days. Say "
                "replace where these are right",
                one=one["day"],
                one_2=one["base"],
                one_3=one["kept"],
                one_4=one["quote"],
                one_5=one["rate"],
                count=len(other),
                field="replace",
            )
        await self._connection.execute(
            f"insert into exchange_rate (operator, {_RATE}, recorded_at) select $1, {_RATE}, $7 from {_GIVEN}"  # noqa: S608  (our own words)
            " on conflict (operator, base, quote, day) do update set rate = excluded.rate, source = excluded.source,"
            " recorded_at = excluded.recorded_at where exchange_rate.rate <> excluded.rate",
            *(self._operator, *columns, at),
        )
        await self.keep_rules(await self.rules())  # a new revision
        return RatesPut(new=len(rates) - len(kept), same=len(kept) - len(other), changed=len(other))

    async def between(self, since: date, until: date, currencies: Collection[str]) -> Sequence[DayRate]:
        """Return the rates with ``since <= day <= until`` of pairs with one of these currencies in them, by day."""
        rows = await self._connection.fetch(
            f"select {_RATE} from exchange_rate where operator = $1 and day between $2 and $3"  # noqa: S608  (our own words)
            " and (base = any ($4::text[]) or quote = any ($4::text[])) order by day, base, quote",
            *(self._operator, since, until, list(currencies)),
        )
        return [_rate(row) for row in rows]

    async def page(
        self, *, first: int, after: tuple[date, str, str] | None, currency: str | None
    ) -> tuple[Sequence[DayRate], bool]:
        """List by (day, base, quote), the newest day first; the second tells whether more follow."""
        day, base, quote = after or (None, None, None)
        rows = await self._connection.fetch(
            f"select {_RATE} from exchange_rate where operator = $1 and ($2::text is null or base = $2 or quote = $2)"  # noqa: S608  (our own words)
            " and ($3::date is null or day < $3 or (day = $3 and (base, quote) > ($4::text, $5::text)))"
            " order by day desc, base, quote limit $6",
            *(self._operator, currency, day, base, quote, first + 1),
        )
        return [_rate(row) for row in rows[:first]], len(rows) > first

    async def rules(self) -> MarginRules:
        """Return the rules, the defaults where none are kept."""
        row = await self._connection.fetchrow(
            "select loss_min, rate_max_age_days from margin_rules where operator = $1", self._operator
        )
        return MarginRules() if row is None else MarginRules(row["loss_min"], row["rate_max_age_days"])

    async def keep_rules(self, rules: MarginRules) -> None:
        """Keep the rules."""
        await self._connection.execute(
            "insert into margin_rules as m (operator, loss_min, rate_max_age_days) values ($1, $2, $3)"
            " on conflict (operator) do update set loss_min = excluded.loss_min,"
            " rate_max_age_days = excluded.rate_max_age_days, revision = m.revision + 1",
            *(self._operator, rules.loss_min, rules.rate_max_age_days),
        )

    async def every(self) -> Sequence[DayRate]:
        """Return all rates, by day."""
        rows = await self._connection.fetch(
            f"select {_RATE} from exchange_rate where operator = $1 order by day, base, quote",  # noqa: S608  (our own words)
            self._operator,
        )
        return [_rate(row) for row in rows]

    async def revision(self) -> int:
        """Return a number that is another when a rate or a rule has changed."""
        found = await self._connection.fetchval("select revision from margin_rules where operator = $1", self._operator)
        return int(found or 0)


def _rate(row: Mapping[str, Any]) -> DayRate:
    return DayRate(row["day"], row["base"], row["quote"], row["rate"], row["source"])
