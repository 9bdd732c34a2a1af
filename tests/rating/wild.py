"""Random tariffs of another cut than ``generated``: versions, deep chains, many tiers, strange clocks, huge amounts.

What is drawn here is what the other generator leaves out: several versions of one rate, price lists five deep, four
tiers of resellers, bands at odd minutes in zones that change by half an hour, starts between two seconds, calls cut
into parts anywhere, sets of prefixes that change hands, and quantities near the end of 64 bits.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

ZONES = ("Europe/Stockholm", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "UTC")
CHANGES = (  # instants near which a clock of ZONES changes, a day begins or a version ends
    "2026-10-25T01:00:00+00:00",
    "2026-03-29T01:00:00+00:00",
    "2026-10-03T15:30:00+00:00",
    "2026-11-01T04:30:00+00:00",
    "2026-12-31T23:00:00+00:00",
    "2011-12-30T10:00:00+00:00",
    "2026-10-25T22:00:00+00:00",
)
TIMED = ("voice", "fax", "premium")
MODES = (*TIMED, "voice", "sms", "data")
ODD = ("å", "Z", "a", "0", "~", "_")


class Draw(random.Random):
    """A source of chance with a few more shapes."""

    def likely(self, chance):
        return self.random() < chance

    def some(self, members, chance=0.4):
        members = list(dict.fromkeys(members))
        return self.sample(members, self.randrange(1, min(len(members), 4) + 1)) if self.likely(chance) else None

    def money(self, whole=2):
        if self.likely(0.02):
            whole = self.choice((10**6, 10**9))
        nano = self.randrange(whole * 10**9 + 1)
        nano -= nano % 10 ** self.choice((0, 3, 7, 8, 9))
        return f"{nano // 10**9}.{nano % 10**9:09d}"

    def signed(self, whole=1):
        return ("-" if self.likely(0.7) else "") + self.money(whole)

    def percent(self):
        return self.choice(("-100", "-12.5", "-0.000001", "7.77", "33.333333", "-66.666667", "250", "-140"))

    def moment(self):
        at = datetime.fromisoformat(self.choice(CHANGES))
        near = self.choice((0, 1, -1, 30, -30, 3600, -3600, self.randrange(-90_000, 90_000)))
        at += timedelta(seconds=near, microseconds=self.choice((0, 0, 0, 1, 500_000, 999_999)))
        return at.astimezone(ZoneInfo(self.choice(ZONES)))


def versions(draw):
    """Disjoint validities, in any order, open at the ends or not."""
    cuts = sorted(draw.sample(CHANGES, draw.randrange(3)))
    ends = [None, *cuts, None]
    spans = list(pairwise(ends))
    kept = [span for span in spans if draw.likely(0.85)] or spans[:1]
    draw.shuffle(kept)
    return [{"valid_from": start, "valid_to": end} for start, end in kept]


def steps(draw, mode="voice"):
    large = mode == "data"
    made, start = [], 0
    for _ in range(draw.choice((1, 1, 2, 4))):
        step = {"from": start, "price": draw.money(), "per": draw.choice((1, 7, 60, 3600, 10**6 if large else 61))}
        if float(step["price"]) * step["per"] >= 9e9:
            step["per"] = 1
        step["next"] = draw.choice((10**8, 10**9)) if large else draw.choice((1, 6, 13, 60, 600))
        made.append(step)
        start += draw.choice((1, 59, 60, 61, 500))
    return made


def prices(draw, mode):
    made = {"steps": steps(draw, mode), "first": 10**8 if mode == "data" else draw.choice((1, 30, 60, 61))}
    for key, chance, low in (("setup", 0.4, 1), ("min_charge", 0.3, 3), ("max_charge", 0.3, 9)):
        if draw.likely(chance):
            made[key] = draw.money(low)
    if draw.likely(0.25):
        made["grace"] = draw.choice((1, 3, 30, 100))
    return made


def rates(draw, world, adjusting, count, everything=False):
    made, seen = [], set()
    wanted = [{"to": "*", "mode": mode, "zone": "*"} for mode in dict.fromkeys(MODES) if everything]
    for _ in range(count):
        one = {"to": draw.choice(world["targets"]), "mode": draw.choice(MODES)}
        for key, chance, names in (
            ("from", 0.2, [t for t in world["targets"] if t != "*"]),
            ("band", 0.45, list(world["bands"])),
            ("zone", 0.4, [*world["zones"], "*", "*"]),
        ):
            if draw.likely(chance):
                one[key] = draw.choice(names)
        wanted.append(one)
    for one in wanted:
        key = tuple(sorted(one.items()))
        if key in seen:
            continue
        seen.add(key)
        for span in [{}] if everything and one["to"] == "*" else versions(draw):
            if adjusting and draw.likely(0.5):
                what = {"percent": draw.percent()} if draw.likely(0.5) else {"amount": draw.signed()}
                made.append({**one, **span, "adjust": what})
            else:
                made.append({**one, **span, **prices(draw, one["mode"])})
    draw.shuffle(made)
    return made


def head(draw, chance):
    made = {}
    if draw.likely(chance):
        made["band_policy"] = draw.choice(("split", "at_start"))
    if draw.likely(chance):
        made["zone"] = draw.choice(ZONES)
    if draw.likely(chance):
        made["rounding"] = {
            "decimals": draw.randrange(7),
            "mode": draw.choice(("half_up", "half_even", "up", "down")),
        }
    return made


def price_lists(draw, world):
    lists = {}
    for family, currency in (("s", "SEK"), ("e", "EUR")):
        above = f"{family}0"
        lists[above] = {"currency": currency, **head(draw, 0.9), "rates": rates(draw, world, False, 18, True)}
        for depth in range(1, 5):
            name = f"{family}{depth}"
            lists[name] = {"parent": above, **head(draw, 0.25), "rates": rates(draw, world, True, 7)}
            above = name if draw.likely(0.8) else above
        lists[f"{family}over"] = {"parent": f"{family}{draw.randrange(3)}", **head(draw, 0.6)}
        lists[f"{family}over"]["rates"] = rates(draw, world, True, 5)
        lists[f"{family}dev"] = {"rates": rates(draw, world, True, 5)}
        if draw.likely(0.5):
            lists[f"{family}dev"]["parent"] = f"{family}0"
    return lists


def ring(draw, world, number):
    when = {
        "parties": draw.some(world["names"], 0.2),
        "groups": draw.some(["red", "blue"], 0.3),
        "modes": draw.some(MODES, 0.3),
        "to": draw.some(world["targets"], 0.3),
        "zones": draw.some([*world["zones"], "home", "*"], 0.3),
        "band": draw.choice([None, None, *world["bands"]]),
        "valid_to": draw.choice((None, None, *CHANGES[:3])),
    }
    if draw.likely(0.45):
        unit = draw.choice(("amount", "units", "events"))
        volume = {"amount": draw.money(4), "units": draw.choice(("60", "61.5", "300")), "events": "3"}[unit]
        when |= {"volume_unit": unit, "volume_from": volume}
    effect = draw.choice(
        (
            {"percent": draw.percent()},
            {"per_event": draw.signed()},
            {"per_minute": draw.signed()},
            {"price": {"setup": draw.money(), "first": draw.choice((1, 45)), "steps": steps(draw, "data")}},
            {"price": {"first": draw.choice((1, 45)), "steps": steps(draw)}},
        )
    )
    made = {"id": f"{draw.choice(ODD)}{number}", "priority": draw.randrange(-1, 2), "when": when, "effect": effect}
    made["exclusive"] = draw.choice((None, None, "x", "y"))
    made["levels"] = draw.some(("retail", "wholesale", "cost"), 0.6) or ["retail"]
    if effect.get("price") and effect["price"]["steps"][0]["next"] < 10**6:
        when["modes"] = [mode for mode in when["modes"] or TIMED if mode != "data"] or ["voice"]
    if draw.likely(0.3):
        made["volume_period"] = sorted(draw.sample(CHANGES, 2))
    return made


def bucket(draw, world, number):
    unit = draw.choice(("seconds", "seconds", "seconds", "messages", "kB", "money"))
    most = {"seconds": 2000, "messages": 4, "kB": 10**10}
    made = {
        "id": f"{draw.choice(ODD)}b{number}",
        "owner": draw.choice((*world["names"], "office", "family")),
        "unit": unit,
        "amount": draw.money(9)[:-3] if unit == "money" else str(draw.randrange(most[unit])),
        "period": ["2000-01-01T00:00:00Z", draw.choice((CHANGES[0], "2030-01-01T00:00:00Z"))],
        "priority": draw.randrange(-1, 2),
        "split": draw.choice(("unit", "increment")),
        "levels": draw.some(("retail", "wholesale", "cost"), 0.4) or ["retail"],
        "scope": {
            "modes": draw.some(MODES, 0.2),
            "to": draw.some(world["targets"], 0.2),
            "zones": draw.some([*world["zones"], "home", "*"], 0.2),
            "directions": draw.some(["out", "in"], 0.2),
        },
    }
    if unit == "money":
        made["currency"] = draw.choice(("SEK", "EUR"))
    elif made["levels"] == ["retail"] and draw.likely(0.5):
        made["when_empty"] = {"price_list": "sover"}
    return made


def destinations(draw):
    """Prefixes of every depth; half of them change hands at one moment."""
    groups = [f"G{n}" for n in range(5)]
    made = {}
    for number, prefix in enumerate(dict.fromkeys(draw.choice(PREFIXES) for _ in range(12))):
        one = {"prefixes": [prefix], "groups": draw.sample(groups, draw.randrange(4))}
        made[f"D{number}"] = one
        if draw.likely(0.5):
            cut = draw.choice(CHANGES)
            one["valid_to"] = cut
            if draw.likely(0.7):
                later = {"prefixes": [prefix, f"{prefix}000"], "groups": draw.sample(groups, draw.randrange(4))}
                made[f"D{number}-later"] = {**later, "valid_from": cut}
    return made


PREFIXES = ("4", "46", "467", "4670", "46701", "467012", "1", "1202", "120255", "358", "35840", "49151", "4915123")
NUMBERS = (
    "46701234567",
    "46701999999",
    "4679",
    "468123",
    "12025550123",
    "1204",
    "358401",
    "35850",
    "4915123000",
    "7",
    "",
)


def tariff(seed):
    draw = Draw(seed)
    bands = {}
    for name in draw.sample(["day", "eve", "Night", "åter", "b1", "b2"], 5):
        start, end = (f"{draw.randrange(24):02d}:{draw.choice((0, 15, 30, 59)):02d}" for _ in range(2))
        bands[name] = {"from": start, "to": draw.choice((end, end, "24:00")), "rank": draw.randrange(3)}
        bands[name]["days"] = draw.choice(("1-7", "1-5", "6-7", "7", "1,3,5", "", "5-6"))
        for key in ("except_holidays", "on_holidays"):
            if draw.likely(0.4):
                bands[name][key] = draw.choice(("H", "J"))
    known = destinations(draw)
    groups = sorted({f"group:{group}" for one in known.values() for group in one["groups"]})
    world = {
        "bands": bands,
        "zones": {
            "EU": {"countries": ["DE", "FR", "NO"], "rank": draw.randrange(3)},
            "Near": {"countries": ["NO", "DE"], "rank": draw.randrange(3)},
            "Far": ["US", "JP", "DE"],
        },
        "targets": [*known, *groups, "*"],
        "names": ["p0", "p1", "p2", "p3", "p4"],
    }
    tiers = [f"{family}{depth}" for family in "se" for depth in range(5)]
    parties = {
        name: {
            "retail": None if name == "p4" else f"s{draw.randrange(5)}",
            "wholesale": [draw.choice(tiers) for _ in range(draw.randrange(5))],
            "cost": draw.choice((None, None, "e3")),
            "groups": draw.some(["red", "blue"], 0.6) or [],
            "shares": draw.some(["office", "family"], 0.6) or [],
            "deviations": draw.choice((None, "sdev")),
        }
        for name in world["names"]
    }
    return {
        "bands": bands,
        "holidays": {"H": [text[:10] for text in CHANGES[:4]], "J": ["2026-10-26", "2026-10-04", "2026-12-31"]},
        "destinations": known,
        "ported": [
            {"number": "46701999999", "to": next(iter(known)), "from": draw.choice(CHANGES)},
            {"number": "12025550123", "to": draw.choice(list(known)), "from": "2020-01-01T00:00:00Z"},
        ],
        "zones": world["zones"],
        "price_lists": price_lists(draw, world),
        "discount_rings": [ring(draw, world, n) for n in range(draw.choice((0, 2, 6, 12)))],
        "buckets": [bucket(draw, world, n) for n in range(draw.choice((0, 2, 6, 14)))],
        "trunks": {"T1": {"cost": "e2"}, "T2": {"cost": None}, "T3": {"cost": "s1"}},
        "parties": parties,
    }


def events(seed, count=50):
    draw = Draw(seed + 10**6)
    found = []
    for number in range(count):
        mode = draw.choice(MODES)
        event = {
            "id": f"{draw.choice(ODD)}{number}",
            "party": draw.choice(("p0", "p1", "p2", "p3", "p4")),
            "mode": mode,
            "direction": draw.choice(("out", "out", "out", None, "in")),
            "a": draw.choice(NUMBERS),
            "b": draw.choice(NUMBERS),
            "trunk": draw.choice((None, "T1", "T2", "T3", "T9")),
            "visited": draw.choice((None, None, None, "DE", "NO", "US", "ZZ", "")),
            "start": draw.moment().isoformat(),
            "used": draw.choice((0, 1, 59, 60, 61, 3600, draw.randrange(9000))),
        }
        if mode == "data":
            event["used"] = draw.choice((0, 1, 10**9, draw.randrange(10**11)))
        elif mode == "sms":
            event["used"] = draw.choice((0, 1, 1, 3))
        position, parts = 0, draw.choice((1, 1, 1, 2, 4)) if mode in TIMED else 1
        for part in range(parts):
            cut = event["used"] if part == 0 else draw.choice((0, 1, 30, 61, draw.randrange(400)))
            found.append({**event, "id": f"{event['id']}.{part}", "offset": position, "used": cut})
            position += cut
    draw.shuffle(found)
    return found
