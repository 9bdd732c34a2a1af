"""``tollwright apikey``, ``portal`` and ``key rotate``, as one types them, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from api.cli import DONE, WRONG
from domain.access.actor import system
from domain.ids import OperatorId
from domain.usecases.create_reseller import CreateReseller, create_reseller
from domain.usecases.create_service import CreateService, create_service
from persistence.engine import Database
from persistence.units import StoredUnits
from tests.usecases.test_cli_key import OPERATOR, Told, tollwright

__all__ = ["tollwright"]


def test_ways_in_from_the_command_line(tollwright: Callable[..., Told]) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    code, (made,), said = tollwright("apikey", "create", "their shop", "--scope", "usage:read", "--days", "30")
    assert (code, made["scopes"], made["reseller"]) == (DONE, ["usage:read"], None)
    assert "cannot be shown again" in said
    text = made.pop("key")
    assert text.startswith(f"{made['prefix']}_")
    assert tollwright("apikey", "list") == (DONE, [made], "")
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    code, (follower,), _ = tollwright("apikey", "rotate", made["prefix"], "--old-until", until)
    assert code == DONE
    assert follower["prefix"] != made["prefix"]
    ends = {one["prefix"]: one["ends_at"] for one in tollwright("apikey", "list")[1]}
    assert datetime.fromisoformat(ends[made["prefix"]]) == datetime.fromisoformat(until)
    code, (revoked,), _ = tollwright("apikey", "revoke", follower["prefix"])
    assert (code, revoked["revoked_at"] is not None) == (DONE, True)
    assert tollwright("apikey", "rotate", follower["prefix"])[0] == WRONG
    assert tollwright("apikey", "rotate", made["prefix"], "--old-until", "tomorrow")[0] == WRONG
    code, _, said = tollwright("apikey", "rotate", made["prefix"], "--old-until", "2026-12-01")
    assert (code, "--old-until" in said, "no offset" in said) == (WRONG, True, True)
    assert tollwright("apikey", "revoke", "tw_nobody00")[0] == WRONG

    wanted = ["portal", "create", "Self care", "--scope", "customers:read", "--redirect-uri"]
    code, (portal,), said = tollwright(*wanted, "https://p.example/back", "--origin", "https://p.example")
    assert (code, portal["secret"], said) == (DONE, None, "")
    code, (server,), said = tollwright(*wanted, "https://p.example/back", "--secret")
    assert server["secret"]
    assert "cannot be shown again" in said
    assert tollwright(*wanted, "http://p.example/back")[0] == WRONG
    listed = {one["client_id"] for one in tollwright("key", "list")[1]}
    assert {portal["client_id"], server["client_id"]} <= listed

    code, keys, _ = tollwright("key", "rotate", "--lead", "5")
    assert (code, keys[0]["state"]) == (DONE, "coming")
    assert tollwright("key", "rotate")[1] == keys, "one that is on its way is enough"


def test_with_another_master_key_a_new_key_signs_and_the_old_one_comes_back_with_its_own(
    tollwright: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    (first,) = (one["kid"] for one in tollwright("key", "rotate")[1])
    monkeypatch.setenv("TOLLWRIGHT_MASTER_KEY", "A" * 43 + "=")
    code, made, _ = tollwright("key", "rotate")
    assert code == DONE
    assert first not in {one["kid"] for one in made}
    monkeypatch.delenv("TOLLWRIGHT_MASTER_KEY")
    assert first in {one["kid"] for one in tollwright("key", "rotate")[1]}


def test_what_resellers_pay_from_the_command_line(tollwright: Callable[..., Told], database_url: str) -> None:
    assert tollwright(*OPERATOR)[0] == DONE

    async def there() -> None:
        async with await Database.open(database_url, connections_max=1) as own:
            begin, boss = StoredUnits(own), system(OperatorId(1))
            await create_reseller(CreateReseller(code="north", name="North"), actor=boss, begin=begin)
            new = CreateService(code="SIM", name="SIM", one_time_fee=Decimal(50), periodic_fee=Decimal(100))
            await create_service(new, actor=boss, begin=begin)

    asyncio.run(there())
    assert tollwright("reseller", "list") == (DONE, [{"code": "north", "name": "North", "parent": None}], "")
    first = {"one_time_fee": None, "periodic_fee": None, "percent": "20", "service": None, "version": 1}
    first |= {"valid_from": "2026-12-01"}
    assert tollwright("reseller", "price", "north", "--from", "2026-12-01", "--percent", "20") == (DONE, [first], "")
    code, (own,), _ = tollwright(
        *("reseller", "price", "north", "--from", "2026-12-01", "--service", "SIM", "--periodic", "70")
    )
    assert (code, own["service"], own["periodic_fee"]) == (DONE, "SIM", "70")
    assert tollwright("reseller", "prices", "north")[1] in ([first, own], [own, first])
    (fee,) = tollwright("reseller", "fees", "north", "--on", "2026-12-01")[1]
    assert (fee["service"], Decimal(fee["periodic_fee"])) == ("SIM", 70)
    for wrong in (
        ("price", "nobody", "--from", "2026-12-01", "--percent", "1"),
        ("price", "north", "--from", "soon", "--percent", "1"),
        ("price", "north", "--from", "2026-12-01", "--service", "NO", "--percent", "1"),
        ("price", "north", "--from", "2026-12-01", "--percent", "20"),
    ):
        assert tollwright("reseller", *wrong)[0] == WRONG, wrong
