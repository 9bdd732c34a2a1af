"""The rating semantics written out directly: slow, exact, one increment at a time, straight from the JSON.

It shares nothing with the product, so that a difference between the two is a question for the page.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

TOP = 2**63 - 1
NANO = 10**9


class Unrated(Exception):  # noqa: N818  (an outcome, not an error)
    pass


def instant(text):
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def away(value):
    """Round a fraction to an integer, half away from zero."""
    size = abs(value)
    whole = size.numerator // size.denominator
    if size - whole >= Fraction(1, 2):
        whole += 1
    return whole if value >= 0 else -whole


def nano(text):
    return int(Fraction(text) * NANO)


def rounded(amount, decimals, mode):
    """Nano-units to micro-units, then by the list's mode."""
    micro = away(Fraction(amount, 1000))
    unit = 10 ** (6 - decimals)
    whole, rest = divmod(abs(micro), unit)
    up = {
        "half_up": 2 * rest >= unit,
        "half_even": 2 * rest > unit or (2 * rest == unit and whole % 2 == 1),
        "up": rest > 0,
        "down": False,
    }[mode]
    size = (whole + up) * unit
    return size if micro >= 0 else -size


def fits(value):
    if abs(value) > TOP:
        raise Unrated("overflow")
    return value


class Level:
    """One level of one event."""

    def __init__(self, ref, event, plist, deviations, kind, tier):
        self.ref, self.event, self.plist, self.kind, self.tier = ref, event, plist, kind, tier
        self.lists = ([deviations] if deviations else []) + ref.chain(plist)
        self.inherited = ref.inherited(plist)
        self.draws, self.shares = {}, {}

    # -- which price
    def find(self, lists, zone, at):
        """The rates that decide at an instant: adjusting ones, nearest first, and the absolute one they lie on."""
        found = []
        for name in lists:
            matching = [r for r in self.ref.tariff["price_lists"][name]["rates"] if self.matches(r, zone, at)]
            if not matching:
                continue
            best = min(matching, key=self.order)
            found.append((name, best))
            if best.get("adjust") is None:
                return found
        raise Unrated("no_rate")

    def matches(self, rate, zone, at):
        event = self.event
        start, end = instant(rate.get("valid_from")), instant(rate.get("valid_to"))
        if rate["mode"] != event["mode"] or rate.get("direction", "out") != event["direction"]:
            return False
        if (start and event["at"] < start) or (end and event["at"] >= end):
            return False
        if rate["to"] not in [*event["targets"], "*"]:
            return False
        if rate.get("from") is not None and rate["from"] not in event["origins"]:
            return False
        wanted = rate.get("zone")
        if wanted is None and event.get("visited") is not None:
            return False
        if wanted not in (None, "*") and event.get("visited") not in self.ref.countries(wanted):
            return False
        if event.get("visited") is None and wanted not in (None, "*"):
            return False
        return rate.get("band") is None or self.ref.holds(rate["band"], at, zone)

    def order(self, rate):
        event = self.event
        to = [*event["targets"], "*"].index(rate["to"])
        origin = event["origins"].index(rate["from"]) if rate.get("from") is not None else 10**6
        zone = rate.get("zone")
        place = (2, 0, "") if zone == "*" else (1, 0, "") if zone is None else (0, self.ref.rank_of_zone(zone), zone)
        band = rate.get("band")
        rank = (1, 0, "") if band is None else (0, self.ref.tariff["bands"][band].get("rank", 1), band)
        return to, origin, place, rank

    # -- increments
    def increments(self, lists, policy, zone, cover):
        """(begin, length, identity, price, per) of each increment; identity tells segments apart."""
        found, position, rates = [], 0, self.find(lists, zone, self.event["at"])
        first = rates[-1][1].get("first", 1)
        while position < cover:
            if policy == "split" and self.event["unit"] == "seconds":
                rates = self.find(lists, zone, self.event["at"] + timedelta(seconds=position))
            number, step = step_at(rates[-1][1]["steps"], position)
            length = first if position == 0 else step.get("next", 1)
            price, per = self.price(step, rates), step.get("per", 1)
            found.append((position, length, (tuple(id(r) for _, r in rates), number), price, per))
            position += length
            if position > TOP:
                raise Unrated("overflow")
        return found

    def price(self, step, rates):
        price = nano(step["price"])
        for _, rate in reversed(rates[:-1]):
            adjust = rate["adjust"]
            if adjust.get("percent") is not None:
                price = away(price * (1 + Fraction(adjust["percent"]) / 100))
            else:
                price += nano(adjust["amount"])
            price = max(price, 0)
        return price

    def charge(self, increments, low, high):
        """The segments of the charged units in [low, high)."""
        total, run = 0, None
        for begin, length, identity, price, per in increments:
            units = max(min(begin + length, high) - max(begin, low), 0)
            if units == 0:
                continue
            if run is not None and run[0] == identity:
                run[1] += units
                continue
            if run is not None:
                total = fits(total + segment(run))
            run = [identity, units, price, per]
        return total if run is None else fits(total + segment(run))

    # -- the order of work
    def rate(self):
        event, lists, inherited = self.event, self.lists, self.inherited
        policy, zone = inherited["band_policy"], inherited["zone"]
        replaced = False
        while True:
            at_start = self.find(lists, zone, event["at"])
            base = at_start[-1][1]
            self.named = at_start[0][0], next((r["band"] for _, r in at_start if r.get("band")), None)
            total, grace = event["used"] + event["offset"], base.get("grace", 0)
            self.billed = self.before = self.taken = self.setup = 0
            if event["used"] == 0 or total <= grace:
                return 0
            fits(total)
            walk = self.increments(lists, policy, zone, total)
            end = walk[-1][0] + walk[-1][1]
            if event["offset"] > grace:
                self.before = next(b + n for b, n, *_ in walk if b + n >= event["offset"])
            self.billed = end - self.before
            if self.billed == 0:
                return 0
            draws = {} if replaced else self.draw_units(walk)
            self.taken = sum(draws.values())
            if self.taken == self.billed:
                self.draws = draws
                return 0
            overage = None if replaced else self.overage()
            if overage and not self.taken:
                lists, replaced = self.ref.chain(overage), True
                other = self.ref.inherited(overage)
                policy, zone = other["band_policy"], other["zone"]
                continue
            break
        front = self.before + self.taken
        earlier = self.charge(walk, 0, self.before)
        if self.taken == 0:
            sum_ = self.charge(walk, 0, end)
        elif overage:
            other = self.ref.inherited(overage)
            rest = self.increments(self.ref.chain(overage), other["band_policy"], other["zone"], end)
            sum_ = fits(earlier + self.charge(rest, front, end))
        else:
            sum_ = fits(earlier + self.charge(walk, front, end))
        setup = nano(base.get("setup") or "0")
        made = limits(base, fits(sum_ + setup))
        if self.before:
            made -= limits(base, fits(earlier + setup))
        else:
            self.setup = setup
        self.draws, self.grace = draws, grace
        return made

    def draw_units(self, walk):
        drawn, left = {}, self.billed
        boundaries = [begin + length for begin, length, *_ in walk]
        for bucket in self.ref.buckets_for(self):
            if bucket["unit"] != self.event["unit"]:
                continue
            given = min(self.ref.left[bucket["id"]], left)
            if bucket.get("split", "unit") == "increment" and given < left:
                position = self.before + self.billed - left
                reached = [b for b in boundaries if position < b <= position + given]
                given = reached[-1] - position if reached else 0
            if given:
                drawn[bucket["id"]] = given
                left -= given
        return drawn

    def overage(self):
        for bucket in self.ref.buckets_for(self):
            if bucket["unit"] == self.event["unit"] and isinstance(bucket.get("when_empty"), dict):
                return bucket["when_empty"]["price_list"]
        return None

    # -- rings
    def ring_leaves(self, ring, left):
        effect = ring["effect"]
        if effect.get("percent") is not None:
            made = left + away(left * Fraction(effect["percent"]) / 100)
        elif effect.get("per_event") is not None:
            made = left + (nano(effect["per_event"]) if self.before == 0 else 0)
        elif effect.get("per_minute") is not None:
            units = self.billed - self.taken if self.event["unit"] == "seconds" else 0
            made = left + away(Fraction(nano(effect["per_minute"]) * units, 60))
        else:
            made = self.priced_anew(effect["price"])
        return fits(max(made, 0))

    def priced_anew(self, price):
        def walk(cover):
            found, position = [], 0
            while position < cover:
                number, step = step_at(price["steps"], position)
                length = price.get("first", 1) if position == 0 else step.get("next", 1)
                found.append((position, length, number, nano(step["price"]), step.get("per", 1)))
                position += length
            return found, position

        begun = self.event["offset"] > self.grace
        _, front = walk(self.event["offset"]) if begun else ([], 0)
        found, end = walk(self.event["offset"] + self.event["used"])
        setup = nano(price.get("setup") or "0") if self.before == 0 else 0
        if self.taken:
            return setup + self.charge(found, front + self.taken, end)
        return setup + self.charge(found, 0, end) - self.charge(found, 0, front)

    def ring_state(self, ring):
        """(other conditions hold, the volume is reached too)."""
        when, event = ring.get("when") or {}, self.event
        period = ring.get("volume_period")
        held = self.kind in ring.get("levels", ["retail"])
        held = held and (when.get("parties") is None or event["party"] in when["parties"])
        groups = self.ref.tariff["parties"][event["party"]].get("groups") or []
        held = held and (when.get("groups") is None or bool(set(groups) & set(when["groups"])))
        held = held and (when.get("modes") is None or event["mode"] in when["modes"])
        held = held and self.ref.in_targets(when.get("to"), event) and self.ref.in_zones(when.get("zones"), event)
        held = held and (not when.get("valid_from") or event["at"] >= instant(when["valid_from"]))
        held = held and (not when.get("valid_to") or event["at"] < instant(when["valid_to"]))
        held = held and (not period or instant(period[0]) <= event["at"] < instant(period[1]))
        if held and when.get("band"):
            held = self.ref.holds(when["band"], event["at"], self.inherited["zone"])
        volume = self.ref.volumes.get((ring["id"], event["party"], self.kind, self.tier), Fraction(0))
        return held, held and volume >= Fraction(when.get("volume_from") or "0")

    def finish(self):
        """Rings, rounding, money, counters. Returns the answer."""
        charge = self.rate()
        rings = sorted(self.ref.tariff.get("discount_rings") or [], key=lambda r: (r.get("priority", 0), r["id"]))
        states = {ring["id"]: self.ring_state(ring) for ring in rings}
        left, changes = charge, []
        if self.billed > self.taken:
            done = set()
            holding = [ring for ring in rings if states[ring["id"]][1]]
            for ring in holding:
                group = ring.get("exclusive")
                if group in done:
                    continue
                rivals = [ring] if group is None else [r for r in holding if r.get("exclusive") == group]
                if group is not None:
                    done.add(group)
                best = None
                for rival in rivals:
                    try:
                        made = self.ring_leaves(rival, left)
                    except Unrated:
                        continue
                    if best is None or made < best[0]:
                        best = made, rival
                if best is None:
                    raise Unrated("overflow")
                if best[0] != left:
                    changes.append((best[1]["id"], best[0] - left))
                left = best[0]
        rule = self.inherited["rounding"]
        amount = rounded(left, *rule)
        rest = amount - rounded(charge, *rule)
        for name, change in changes[:-1]:
            self.shares[name] = rounded(change, *rule)
            rest -= self.shares[name]
        if changes:
            self.shares[changes[-1][0]] = rest
        for name, units in self.draws.items():
            self.ref.left[name] -= units
        draws = {name: str(units) for name, units in self.draws.items()}
        for bucket in self.ref.buckets_for(self):
            currency = bucket.get("currency") or self.ref.retail_currency(self.event["party"])
            if bucket["unit"] == "money" and currency == self.inherited["currency"]:
                paid = min(amount, self.ref.left[bucket["id"]])
                self.ref.left[bucket["id"]] -= paid
                amount -= paid
                if paid:
                    draws[bucket["id"]] = str(Decimal(paid).scaleb(-6))
        self.count(rings, states, amount)
        return {
            "amount": str(Decimal(amount).scaleb(-6)),
            "currency": self.inherited["currency"],
            "price_list": self.named[0],
            "band": self.named[1],
            "billed": self.billed,
            "setup": str(Decimal(self.setup).scaleb(-9)),
            "discounts": {n: str(Decimal(s).scaleb(-6)) for n, s in self.shares.items() if s},
            "buckets": draws,
        }

    def count(self, rings, states, amount):
        if self.billed == 0:
            return
        for ring in rings:
            if states[ring["id"]][0]:
                unit = (ring.get("when") or {}).get("volume_unit", "amount")
                key = ring["id"], self.event["party"], self.kind, self.tier
                more = {
                    "amount": Fraction(amount, 10**6),
                    "units": Fraction(self.billed),
                    "events": Fraction(1 if self.before == 0 else 0),
                }[unit]
                self.ref.volumes[key] = self.ref.volumes.get(key, Fraction(0)) + more


def segment(run):
    _, units, price, per = run
    if price * per > TOP:
        raise Unrated("overflow")
    return fits(away(Fraction(price * units, per)))


def step_at(steps, position):
    number = max(n for n, step in enumerate(steps) if step.get("from", 0) <= position)
    return number, steps[number]


def limits(rate, amount):
    if rate.get("min_charge") is not None:
        amount = max(amount, nano(rate["min_charge"]))
    if rate.get("max_charge") is not None:
        amount = min(amount, nano(rate["max_charge"]))
    return amount


class Reference:
    def __init__(self, tariff):
        self.tariff = tariff
        scale = {"money": 10**6}
        self.left = {b["id"]: int(Fraction(b["amount"]) * scale.get(b["unit"], 1)) for b in tariff.get("buckets", [])}
        self.volumes = {}

    def chain(self, name):
        names = []
        while name is not None:
            names.append(name)
            name = self.tariff["price_lists"][name].get("parent")
        return names

    def inherited(self, name):
        made = {"band_policy": "at_start", "rounding": {}, "zone": "UTC"}
        for above in reversed(self.chain(name)):
            plist = self.tariff["price_lists"][above]
            made.update(
                {k: plist[k] for k in ("currency", "zone", "band_policy", "rounding") if plist.get(k) is not None}
            )
        rule = made["rounding"]
        return {**made, "rounding": (rule.get("decimals", 6), rule.get("mode", "half_up"))}

    def retail_currency(self, party):
        retail = self.tariff["parties"][party].get("retail")
        return self.inherited(retail)["currency"] if retail else None

    def countries(self, zone):
        found = self.tariff["zones"][zone]
        return found if isinstance(found, list) else found["countries"]

    def rank_of_zone(self, zone):
        found = self.tariff["zones"][zone]
        return 1 if isinstance(found, list) else found.get("rank", 1)

    def holds(self, band, at, zone):
        band = self.tariff["bands"][band]
        local = at.astimezone(ZoneInfo(zone))
        clock = local.hour * 3600 + local.minute * 60 + local.second + Fraction(local.microsecond, 10**6)

        def seconds(text):
            return int(text[:2]) * 3600 + int(text[3:]) * 60

        start, end = seconds(band.get("from", "00:00")), seconds(band.get("to", "24:00"))
        if not (start <= clock < end if start <= end else clock >= start or clock < end):
            return False
        days = band.get("days", "1-7")
        listed = any(int(p[0]) <= local.isoweekday() <= int(p[-1]) for p in days.split(",") if p)
        calendars, today = self.tariff.get("holidays", {}), local.date().isoformat()
        if band.get("except_holidays") and today in calendars[band["except_holidays"]]:
            listed = False
        return listed or bool(band.get("on_holidays") and today in calendars[band["on_holidays"]])

    def destination(self, number, at):
        if number is None or not number.isdigit():
            return None
        ported = [p for p in self.tariff.get("ported", []) if p["number"] == number and instant(p["from"]) <= at]
        if ported:
            return max(ported, key=lambda p: instant(p["from"]))["to"]
        best = None
        for name, found in self.tariff["destinations"].items():
            start, end = instant(found.get("valid_from")), instant(found.get("valid_to"))
            if (start and at < start) or (end and at >= end):
                continue
            for prefix in found["prefixes"]:
                if number.startswith(prefix) and (best is None or len(prefix) > len(best[0])):
                    best = prefix, name
        return best[1] if best else None

    def targets(self, destination):
        if destination is None:
            return []
        groups = self.tariff["destinations"][destination].get("groups", [])
        return [destination, *(f"group:{group}" for group in groups)]

    def in_targets(self, names, event):
        return names is None or "*" in names or bool(set(names) & set(event["targets"]))

    def in_zones(self, names, event):
        if names is None or "*" in names:
            return True
        if event.get("visited") is None:
            return "home" in names
        return any(name != "home" and event["visited"] in self.countries(name) for name in names)

    def buckets_for(self, level):
        event = level.event
        party = self.tariff["parties"][event["party"]]
        owners = {event["party"], *(party.get("shares") or [])}
        found = []
        for bucket in self.tariff.get("buckets", []):
            scope = bucket.get("scope") or {}
            start, end = (instant(text) for text in bucket["period"])
            if (
                bucket["owner"] in owners
                and level.kind in bucket.get("levels", ["retail"])
                and start <= event["at"] < end
                and (scope.get("modes") is None or event["mode"] in scope["modes"])
                and (scope.get("directions") is None or event["direction"] in scope["directions"])
                and self.in_targets(scope.get("to"), event)
                and self.in_zones(scope.get("zones"), event)
            ):
                found.append(bucket)
        return sorted(found, key=lambda b: (b.get("priority", 0), instant(b["period"][1]), b["id"]))

    def run(self, events):
        answers = {}
        made = [dict(event, direction=event.get("direction") or "out") for event in events]
        for event in made:
            event["at"], event["offset"] = instant(event["start"]), event.get("offset") or 0
        for event in sorted(made, key=lambda e: (e["at"], e["offset"], e["id"])):
            answers[event["id"]] = self.one(event)
        return [answers[event["id"]] for event in events]

    def one(self, event):
        party = self.tariff["parties"].get(event.get("party"))
        if party is None:
            return {"id": event["id"], "unrated": "no_party"}
        to = self.destination(event.get("b"), event["at"])
        units = {"sms": "messages", "mms": "messages", "data": "kB"}
        event["unit"] = units.get(event["mode"], "seconds")
        if to is None and event["mode"] != "data":
            return {"id": event["id"], "unrated": "no_destination"}
        event["targets"], event["origins"] = (
            self.targets(to),
            self.targets(self.destination(event.get("a"), event["at"])),
        )
        answer = {"id": event["id"], "destination": to, "retail": None, "wholesale": None, "cost": None}
        if party.get("retail"):
            answer["retail"] = self.level(event, party["retail"], party.get("deviations"), "retail", 0)
        tiers = [self.level(event, plist, None, "wholesale", n) for n, plist in enumerate(party.get("wholesale") or [])]
        answer["wholesale"] = tiers or None
        cost = party.get("cost")
        if cost is None and event.get("trunk") is not None:
            cost = (self.tariff.get("trunks", {}).get(event["trunk"]) or {}).get("cost")
            if cost is None:
                answer["cost"] = {"unrated": "no_rate"}
        if cost is not None:
            answer["cost"] = self.level(event, cost, None, "cost", 0)
        return answer

    def level(self, event, plist, deviations, kind, tier):
        try:
            return Level(self, event, plist, deviations, kind, tier).finish()
        except Unrated as why:
            return {"unrated": str(why)}
