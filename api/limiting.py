"""Limits of rates at the gate: per address, client and account, counted for all processes together.

A process draws tokens from the database's buckets some at a time and gives them out from memory, so that most requests
ask nobody. Where somebody signs in, or tries to, each attempt is counted by itself. A bucket that was found empty is
not asked again before it may hold something. Where the database is away, nothing is limited: the request fails anyway.

Whoever asks for many things that are not there is slowed down for a while, and an alarm tells of him (attack A12).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse, Response

from api.catalogues import sentence
from api.rest.refusals import problem
from api.settings import Settings
from api.soap.faults import envelope
from domain.access.actor import Actor, system
from domain.access.rate import Rate, RateLimit
from domain.alarms.alarm import Raised, Severity
from domain.ids import OperatorId
from domain.ports.clock import Clock
from domain.ports.limiting import Buckets
from domain.ports.unit import Begin
from domain.refusal import LimitExceeded, Refusal
from domain.usecases.raise_alarm import raise_alarm
from persistence.away import DatabaseAway

LOG: Final = logging.getLogger("tollwright.limits")
BURST_SECONDS: Final = 5  # of a limit by the second, that may come at once
LEASE_SECONDS: Final = 1.0  # tokens that were not given out by then are let go
LEASES_MAX: Final = 50_000
SET_SECONDS: Final = 15.0  # how long what an operator set is remembered
SLOW_SECONDS: Final = 60.0
SLOW: Final = Rate(2, 4)
ALARM_SECONDS: Final = 600.0
ALARM: Final = "enumeration"
CODE: Final = "rate_limited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The installation's limits."""

    address: Rate | None
    client: Rate | None
    account: Rate | None
    sign_in: Rate | None
    missing: Rate | None

    @classmethod
    def of(cls, settings: Settings) -> Defaults:
        """Read the settings; 0 is no limit."""
        return cls(
            address=_rate(settings.requests_per_second_address),
            client=_rate(settings.requests_per_second_client),
            account=_rate(settings.requests_per_second_account),
            sign_in=_rate(settings.sign_ins_per_minute, minutes=True),
            missing=_rate(settings.missing_per_minute, minutes=True),
        )


def _rate(count: int, *, minutes: bool = False) -> Rate | None:
    if not count:
        return None
    return Rate(count / 60, count) if minutes else Rate(float(count), count * BURST_SECONDS)


class TooMany(Exception):  # noqa: N818  (an answer to the caller, not an error of ours)
    """The caller asks more often than he may. ``seconds`` until he may again."""

    def __init__(self, name: str, rate: Rate, seconds: int) -> None:
        super().__init__(f"more than {name} allows")
        self.name = name
        self.rate = rate
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say so (RFC 9110 § 10.2.3; draft-ietf-httpapi-ratelimit-headers-10)."""
        return {
            "Retry-After": str(self.seconds),
            "RateLimit-Policy": policy(self.name, self.rate),
            "RateLimit": f'"{self.name}";r=0;t={self.seconds}',
        }


def policy(name: str, rate: Rate) -> str:
    """Return a limit as its header says it: ``q`` requests in ``w`` seconds.

    >>> policy("client", Rate(10, 600))
    '"client";q=600;w=60'
    """
    return f'"{name}";q={rate.burst};w={max(1, round(rate.burst / rate.per_second))}'


def answer(no: TooMany, route: str, media: str) -> Response:
    """Return the answer in the form that the route speaks: problem details, a SOAP fault, an error of GraphQL."""
    said = sentence(LimitExceeded("this was asked too often; ask again in {seconds} seconds", seconds=no.seconds))
    status = HTTPStatus.TOO_MANY_REQUESTS
    if route == "/soap":
        version = "1.2" if media.startswith("application/soap+xml") else "1.1"
        # SOAP 1.2 has words of its own for whose fault it is, and no place behind them.
        code = f"Client.{CODE}" if version == "1.1" else "Client"
        media = "application/soap+xml" if version == "1.2" else "text/xml"
        return Response(envelope(version, code, said), status, headers=no.headers, media_type=f"{media}; charset=utf-8")
    if route == "/graphql":
        told = {"code": CODE.upper(), "retryAfter": no.seconds}
        return JSONResponse({"errors": [{"message": said, "extensions": told}]}, status, headers=no.headers)
    return problem(status, CODE, said, headers=no.headers)


@dataclass(slots=True)
class _Lease:
    """Tokens that this process may give out, drawn at a moment, and how many were left in the bucket then."""

    tokens: int
    at: float
    left: float

    def over(self, now: float, rate: Rate) -> bool:
        """Tell whether to draw again: too old, or given out while the bucket may hold more."""
        if now - self.at > LEASE_SECONDS:
            return True
        return self.tokens == 0 and self.filled(now, rate) >= 1

    def filled(self, now: float, rate: Rate) -> float:
        """Return about how many the bucket holds by now."""
        return self.left + rate.per_second * (now - self.at)


class RateGate:
    """Lets requests pass, or tells them to wait."""

    def __init__(
        self,
        buckets: Buckets,
        defaults: Defaults,
        *,
        begin: Begin,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buckets = buckets
        self._defaults = defaults
        self._begin = begin
        self._clock = clock
        self._monotonic = monotonic
        self._leases: OrderedDict[str, _Lease] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}
        self._set: dict[OperatorId, tuple[float, Mapping[str, RateLimit]]] = {}
        self._slow: dict[str, float] = {}
        self._told: dict[str, float] = {}

    async def knock(self, address: str | None, *, signing_in: bool = False) -> None:
        """Let an address pass, before it is known who calls. Raises TooMany."""
        if address is None:
            return
        place = place_of(address)
        await self._take("address", f"address:{place}", self._defaults.address)
        if signing_in:
            await self.attempt(address)

    async def attempt(self, address: str | None) -> None:
        """Count an attempt to sign in. Raises TooMany."""
        if address is not None:
            await self._take("sign-in", f"sign-in:{place_of(address)}", self._defaults.sign_in, each=True)

    async def pass_by(self, actor: Actor) -> str | None:
        """Let a caller pass; return the RateLimit header of his answer. Raises TooMany."""
        name = _name(actor)
        if self._slow and self._slow.get(name, 0.0) > self._monotonic():
            await self._take("missing", f"slow:{name}", SLOW, each=True)
        chosen = await self._chosen(actor.operator)
        own = chosen.get(actor.client)
        account = chosen.get("")
        left = await self._take("client", f"client:{name}", own.rate if own else self._defaults.client)
        await self._take("account", f"account:{actor.operator}", account.rate if account else self._defaults.account)
        return None if left is None else f'"client";r={left}'

    async def missed(self, actor: Actor, count: int) -> None:
        """Count things that a caller asked for and that are not there, or not his."""
        if self._defaults.missing is None or not count:
            return
        name = _name(actor)
        try:
            for _ in range(min(count, self._defaults.missing.burst)):
                await self._take("missing", f"missing:{name}", self._defaults.missing)
        except TooMany:
            now = self._monotonic()
            self._slow[name] = now + SLOW_SECONDS
            self._slow = {key: until for key, until in self._slow.items() if until > now}
            await self._alarm(actor, name)

    async def _alarm(self, actor: Actor, name: str) -> None:
        now = self._monotonic()
        if now < self._told.get(name, 0.0):
            return
        self._told = {key: until for key, until in self._told.items() if until > now} | {name: now + ALARM_SECONDS}
        raised = Raised(
            kind=ALARM,
            subject=f"client {actor.caller}"[:200],
            text=f"The client {actor.caller} asks for many things that are not there, as who counts through keys.",
            severity=Severity.WARNING,
            data={"client": actor.client, "address": actor.address or ""},
        )
        try:
            await raise_alarm(raised, actor=system(actor.operator, "gate"), begin=self._begin, clock=self._clock)
        except (DatabaseAway, Refusal) as trouble:
            LOG.warning("the alarm about %s could not be raised: %s", name, trouble)

    async def _chosen(self, operator: OperatorId) -> Mapping[str, RateLimit]:
        now = self._monotonic()
        known = self._set.get(operator)
        if known is not None and now < known[0]:
            return known[1]
        # Others go on with what was known while one asks.
        self._set[operator] = (now + SET_SECONDS, known[1] if known is not None else {})
        try:
            found = await self._buckets.limits(operator)
        except DatabaseAway:
            return self._set[operator][1]
        self._set[operator] = (now + SET_SECONDS, found)
        return found

    async def _take(self, name: str, key: str, rate: Rate | None, *, each: bool = False) -> int | None:
        """Give out one token; return about how many are left, None where nobody knows. Raises TooMany."""
        if rate is None:
            return None
        lease = self._leases.get(key)
        if lease is None or lease.over(self._monotonic(), rate):
            lease = await self._renewed(key, 1 if each else _batch(rate), rate)
            if lease is None:
                return None
        if lease.tokens == 0:
            raise TooMany(name, rate, rate.wait(lease.filled(self._monotonic(), rate)))
        lease.tokens -= 1
        return lease.tokens + int(lease.left)

    async def _renewed(self, key: str, wanted: int, rate: Rate) -> _Lease | None:
        """Draw again, once for all who wait for it; None where the database is away."""
        lock = self._asking.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                lease = self._leases.get(key)
                if lease is not None and not lease.over(self._monotonic(), rate):
                    return lease
                granted, left = await self._buckets.take(key, wanted, rate)
                lease = self._leases[key] = _Lease(granted, self._monotonic(), left)
                self._leases.move_to_end(key)
                if len(self._leases) > LEASES_MAX:
                    self._leases.popitem(last=False)
                return lease
        except DatabaseAway:
            return None
        finally:
            if not lock.locked():
                self._asking.pop(key, None)


def place_of(address: str) -> str:
    """Return what requests of an address are counted by: of IPv6 the network of 64 bits, all of which one host has.

    >>> place_of("2001:db8:1:2:3:4:5:6"), place_of("192.0.2.1"), place_of("::ffff:192.0.2.1")
    ('2001:db8:1:2::/64', '192.0.2.1', '192.0.2.1')
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((int(known), 64), strict=False))


def _batch(rate: Rate) -> int:
    """Return how many tokens are drawn at a time: what a quarter of a second brings, and never most of the bucket."""
    return max(1, min(int(rate.per_second / 4), rate.burst // 8))


def _name(actor: Actor) -> str:
    return f"{actor.operator}:{actor.caller}"[:150]
