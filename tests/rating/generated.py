"""Random tariffs that mix every rule, and events for them, from a seed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MODES = ("voice", "voice", "voice", "sms", "data", "fax")
BANDS = {
    "peak": {"days": "1-5", "from": "08:00", "to": "18:00", "except_holidays": "SE"},
    "free": {"days": "6-7", "on_holidays": "SE", "rank": 2},
    "night": {"from": "22:00", "to": "06:00", "rank": 2},
    "early": {"from": "02:00", "to": "03:30", "rank": 3},
}
TIMES = ("2026-10-24T00:00", "2026-10-25T02:30", "2026-10-25T12:00", "2026-10-26T00:00")


def money(draw, top=2_000_000_000, bottom=0):
    value = draw.randrange(bottom, top)
    places = draw.choice((0, 1, 2, 4, 9))
    value -= value % 10 ** (9 - places)
    return f"{value // 10**9}.{value % 10**9:09d}".rstrip("0").rstrip(".")


def moment(draw):
    """A time near a change of day, band or clock."""
    base = datetime.fromisoformat(draw.choice(TIMES)).replace(tzinfo=ZoneInfo("Europe/Stockholm"))
    made = base + timedelta(seconds=draw.choice((-3600, -61, -30, -1, 0, 1, 59, draw.randrange(-40_000, 40_000))))
    return made.astimezone(ZoneInfo(draw.choice(("UTC", "Europe/Stockholm")))).isoformat()


def steps(draw):
    found = [{"next": draw.choice((1, 1, 7, 30, 60)), "price": money(draw), "per": draw.choice((1, 60, 60, 7, 90))}]
    later = draw.choice(((), (), (60,), (45, 200)))
    return found + [
        {"from": start, "next": draw.choice((1, 30, 60)), "price": money(draw), "per": draw.choice((60, 7))}
        for start in later
    ]


def rate(draw, places, zones, adjusting):
    made = {"to": draw.choice(places), "mode": draw.choice(MODES)}
    if draw.random() < 0.2:
        made["from"] = draw.choice([p for p in places if p != "*"])
    if draw.random() < 0.2:
        made["direction"] = "in"
    if draw.random() < 0.4:
        made["band"] = draw.choice(list(BANDS))
    if draw.random() < 0.4:
        made["zone"] = draw.choice([*zones, "*", "*"])
    if draw.random() < 0.15:
        made["valid_from"] = "2026-10-25T00:00:00Z"
    elif draw.random() < 0.15:
        made["valid_to"] = "2026-10-25T12:00:00Z"
    if adjusting and draw.random() < 0.4:
        kind = draw.choice(("percent", "amount"))
        made["adjust"] = {kind: draw.choice(("-10", "33.333333", "-0.05", "0.1", "-50", "-100"))}
        return made
    made["steps"] = steps(draw)
    made["first"] = draw.choice((1, 1, 30, 60))
    if draw.random() < 0.4:
        made["setup"] = money(draw)
    if draw.random() < 0.2:
        made["grace"] = draw.choice((1, 5, 10))
    if draw.random() < 0.25:
        made["min_charge"] = money(draw)
    if draw.random() < 0.25:
        made["max_charge"] = money(draw, 9_000_000_000)
    return made


def distinct(rates):
    """Leave out what equals an earlier rate in everything that is compared, whatever the time."""
    seen, kept = set(), []
    for made in rates:
        key = (*(made.get(k) for k in ("to", "from", "mode", "band", "zone")), made.get("direction", "out"))
        if key not in seen:
            seen.add(key)
            kept.append(made)
    return kept


def rounding(draw):
    return {"decimals": draw.randrange(7), "mode": draw.choice(("half_up", "half_even", "up", "down"))}


def price_lists(draw, places, zones):
    lists = {}
    for family, currency in (("a", "SEK"), ("b", "EUR")):
        lists[family] = {
            "currency": currency,
            "zone": draw.choice(("Europe/Stockholm", "Europe/Helsinki", "UTC")),
            "band_policy": draw.choice(("at_start", "split")),
            "rounding": rounding(draw),
            "rates": distinct([rate(draw, places, zones, False) for _ in range(25)] + basics(draw)),
        }
        for depth in (1, 2):
            child = {"parent": f"{family}{depth - 1}" if depth > 1 else family}
            if draw.random() < 0.4:
                child["band_policy"] = draw.choice(("at_start", "split"))
            if draw.random() < 0.4:
                child["rounding"] = rounding(draw)
            if draw.random() < 0.2:
                child["zone"] = "Europe/Helsinki"
            lists[f"{family}{depth}"] = {
                **child,
                "rates": distinct([rate(draw, places, zones, True) for _ in range(8)]),
            }
        lists[f"{family}-over"] = {
            "parent": family,
            "band_policy": draw.choice(("at_start", "split")),
            "rates": distinct([rate(draw, places, zones, True) for _ in range(6)]),
        }
        lists[f"{family}-dev"] = {"rates": distinct([rate(draw, places, zones, True) for _ in range(5)])}
    return lists


def basics(draw):
    """Rates for anything anywhere, so that most events find a price."""
    return [
        {"to": "*", "mode": mode, "zone": "*", "direction": way, "steps": steps(draw)}
        for mode in ("voice", "sms", "data")
        for way in ("out", "in")
    ]


def some(draw, members, chance=0.4):
    return draw.sample(members, draw.randrange(1, min(len(members), 3) + 1)) if draw.random() < chance else None


def ring(draw, number, places, zones):
    when = {
        "groups": some(draw, ["g", "h"]),
        "parties": some(draw, ["p0", "p1", "p2"], 0.2),
        "modes": some(draw, ["voice", "sms", "data"]),
        "to": some(draw, places, 0.3),
        "zones": some(draw, [*zones, "home"], 0.2),
        "band": draw.choice([None, None, None, *BANDS]),
        "valid_from": "2026-10-25T00:00:00Z" if draw.random() < 0.2 else None,
    }
    if draw.random() < 0.4:
        unit = draw.choice(("amount", "units", "events"))
        when |= {"volume_unit": unit, "volume_from": {"amount": "3.5", "units": "150", "events": "2"}[unit]}
    effect = draw.choice(
        (
            {"percent": draw.choice(("-10", "-33.333333", "15.5", "-100", "-150"))},
            {"per_event": draw.choice(("-0.10", "0.05", "-5"))},
            {"per_minute": draw.choice(("-0.02", "-0.333333333", "0.01"))},
            {"price": {"setup": money(draw), "first": draw.choice((1, 30)), "steps": steps(draw)}},
        )
    )
    made = {
        "id": f"{draw.choice('aZr')}{number}",
        "priority": draw.randrange(3),
        "exclusive": draw.choice([None, None, "x", "y"]),
        "levels": draw.choice((["retail"], ["retail"], ["wholesale"], ["cost", "retail"])),
        "when": when,
        "effect": effect,
    }
    if draw.random() < 0.2:
        made["volume_period"] = ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]
    return made


def bucket(draw, number, places, zones):
    unit = draw.choice(("seconds", "seconds", "seconds", "messages", "kB", "money"))
    amount = {"seconds": draw.randrange(0, 900), "messages": draw.randrange(0, 9), "kB": draw.randrange(0, 5000)}
    made = {
        "id": f"{draw.choice('bB')}{number}",
        "owner": draw.choice(("p0", "p1", "p2", "contract")),
        "unit": unit,
        "amount": money(draw, 5_000_000_000)[:7] if unit == "money" else str(amount[unit]),
        "period": ["2026-10-20T00:00:00Z", draw.choice(("2026-10-25T11:00:00Z", "2026-11-01T00:00:00+01:00"))],
        "priority": draw.randrange(3),
        "split": draw.choice(("unit", "increment")),
        "levels": draw.choice((["retail"], ["retail"], ["wholesale"], ["retail", "cost"])),
        "scope": {
            "modes": some(draw, ["voice", "sms", "fax"], 0.2),
            "to": some(draw, places, 0.2),
            "zones": some(draw, [*zones, "home"], 0.2),
            "directions": some(draw, ["out", "in"], 0.3),
        },
    }
    if unit == "money":
        made["currency"] = draw.choice(("SEK", "EUR"))
        made["amount"] = made["amount"].rstrip(".")
    elif made["levels"] == ["retail"] and draw.random() < 0.5:
        made["when_empty"] = {"price_list": "a-over"}
    return made


def tariff(seed):
    draw = random.Random(seed)
    destinations = {
        "S": {"prefixes": ["46"], "groups": ["N", "E"]},
        "M": {"prefixes": ["467", "4620"], "groups": ["N", "E"][:: draw.choice((1, -1))]},
        "M0": {"prefixes": ["4670"], "groups": ["E"], "valid_to": "2026-10-25T00:00:00Z"},
        "M1": {"prefixes": ["4670", "46701"], "groups": [], "valid_from": "2026-10-25T00:00:00Z"},
        "D": {"prefixes": ["49"], "groups": ["E"]},
    }
    places = [*destinations, "group:N", "group:E", "*", "*"]
    zones = {
        "EU": {"countries": ["DE", "FR"], "rank": 2},
        "Near": {"countries": ["DE", "NO"]},
        "All": ["NO", "US", "FR"],
    }
    plists = price_lists(draw, places, list(zones))
    parties = {
        "p0": {"retail": "a2", "wholesale": ["b1", "a1"], "groups": ["g"], "shares": ["contract"]},
        "p1": {"retail": "a", "deviations": "a-dev", "cost": "b2", "groups": ["h", "g"], "shares": ["contract"]},
        "p2": {"retail": draw.choice(("a1", "a2")), "wholesale": ["b"], "deviations": draw.choice((None, "a-dev"))},
        "p3": {"wholesale": ["a"], "groups": ["h"]},
    }
    return {
        "bands": BANDS,
        "holidays": {"SE": ["2026-10-26", "2026-10-24"]},
        "destinations": destinations,
        "ported": [
            {"number": "46701234567", "to": "D", "from": "2026-10-24T12:00:00Z"},
            {"number": "46701234567", "to": "S", "from": "2026-10-25T12:00:00Z"},
        ],
        "zones": zones,
        "price_lists": plists,
        "discount_rings": [ring(draw, n, places, list(zones)) for n in range(draw.choice((0, 3, 8)))],
        "buckets": [bucket(draw, n, places, list(zones)) for n in range(draw.choice((0, 3, 10)))],
        "trunks": {"T1": {"cost": "b1"}, "T2": {"cost": None}},
        "parties": parties,
    }


def events(seed, count=60):
    draw = random.Random(seed + 1)
    found = []
    while len(found) < count:
        event = {
            "id": f"{draw.choice('eE')}{len(found)}",
            "party": draw.choice(("p0", "p0", "p1", "p2", "p3", "nobody")),
            "mode": draw.choice(MODES),
            "direction": draw.choice(("out", "out", "in")),
            "a": draw.choice((None, "46701111111", "49301", "99", "x")),
            "b": draw.choice(("46701234567", "4670999", "46201", "468", "4930", "46", "99", None)),
            "trunk": draw.choice((None, "T1", "T2", "T9")),
            "visited": draw.choice((None, None, "DE", "NO", "US", "JP")),
            "start": moment(draw),
            "used": draw.choice((0, 1, 5, 30, 60, 61, draw.randrange(1, 400), draw.randrange(1, 9000))),
        }
        found.append(event)
        if event["mode"] in {"voice", "fax"} and draw.random() < 0.2:
            offset = event["used"]
            for part in range(draw.randrange(1, 3)):
                more = dict(event, id=f"{event['id']}-{part}", offset=offset, used=draw.randrange(0, 200))
                found.append(more)
                offset += more["used"]
    draw.shuffle(found)
    return found
