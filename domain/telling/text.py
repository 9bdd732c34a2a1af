"""An explanation as text that a person can check with a pocket calculator, in one of the languages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import starmap

from domain.catalogue.tariff import ANY, Rate, unit_of
from domain.rating.explanation import Considered, Explanation, How, LevelExplained, Located, Margin, Verdict
from domain.telling.language import LANGUAGES, Language

_NANO, _MICRO = -9, -6
_MISSED = {
    Verdict.MODE: "v_mode",
    Verdict.DESTINATION: "v_destination",
    Verdict.ORIGIN: "v_origin",
    Verdict.NETWORK: "v_network",
    Verdict.VALIDITY: "v_validity",
    Verdict.BAND: "v_band",
    Verdict.NOT_ASKED: "not_asked",
    Verdict.NO_LIST: "no_list",
    Verdict.DECIDES: "decides",
    Verdict.ADJUSTS: "adjusts",
}


def text(explanation: Explanation, language: Language = LANGUAGES["en"]) -> str:
    """Tell an explanation, a line for each fact."""
    return "\n".join(_Teller(explanation, language).lines())


def reason(considered: Considered, event_mode: str, direction: str, zone: str, language: Language) -> str:
    """Tell why a list decided, or did not."""
    return language.say(
        _MISSED[considered.verdict],
        mode=event_mode,
        direction=language.say(direction),
        adjustment="" if considered.rate is None else adjustment(considered.rate, language),
        rate="" if considered.rate is None else rate_said(considered.rate, considered.matching, zone, language),
    )


def located_said(located: Located, language: Language, zone: str = "UTC") -> str:
    """Tell what gave the destination."""
    return language.say(
        located.how.value,
        destination=located.destination,
        prefix=located.prefix,
        since=language.time(located.since, zone) if located.since is not None else "",
    )


def adjustment(rate: Rate, language: Language) -> str:
    """Write what a rate adds to the price behind it."""
    if rate.adjust is None:
        return ""
    if rate.adjust.percent is not None:
        return f"{language.number(Decimal(rate.adjust.percent).scaleb(_MICRO))}\u00a0%"
    return language.number(Decimal(rate.adjust.amount or 0).scaleb(_NANO))


def rate_said(rate: Rate, matching: int, zone: str, language: Language) -> str:
    """Tell by what a rate is known, when it holds and since when that was known."""
    say = language.say
    parts = [say("anywhere_to") if rate.to == ANY else say("to", to=rate.to)]
    parts += [say("from", **{"from": rate.origin})] if rate.origin else []
    parts += [
        say("home") if rate.zone is None else say("anywhere") if rate.zone == ANY else say("zone", zone=rate.zone)
    ]
    parts += [say("band", band=rate.band)] if rate.band else []
    since, until = (language.time(at, zone) if at else None for at in (rate.valid_from, rate.valid_to))
    form = ("valid" if until else "valid_from") if since else "valid_to" if until else "always"
    parts.append(say(form, since=since, until=until))
    parts += [say("recorded", at=language.time(rate.recorded_at, zone))] if rate.recorded_at else []
    parts += [say("matching", n=language.number(matching))] if matching > 1 else []
    return ", ".join(parts)


class _Teller:
    """Tells one explanation."""

    def __init__(self, explained: Explanation, language: Language) -> None:
        self.explained = explained
        self.language = language
        self.unit = unit_of(explained.event.mode)
        retail = next((one for one in explained.levels if one.currency is not None), None)
        self.zone = retail.zone if retail is not None else "UTC"

    def units(self, count: int, unit: str | None = None) -> str:
        return self.language.say(unit or self.unit, n=self.language.number(count))

    def lines(self) -> Iterator[str]:
        say, explained = self.language.say, self.explained
        event = explained.event
        name = event.id or say("no_id")
        if explained.status == "bad_event":
            yield say("event_alone", id=name)
            yield "  " + say("bad_event", detail=explained.detail)
            yield "  " + say("do_bad_event")
            return
        yield say(
            "event",
            id=name,
            mode=event.mode,
            direction=say(event.direction),
            used=self.units(event.used),
            start=self.language.time(event.start, self.zone),
        )
        if event.offset:
            yield "  " + say("later_part", units=self.units(event.offset))
        yield from self.whom()
        if explained.status != "rated":
            yield "  " + say(explained.status)
            yield "  " + say(f"do_{explained.status}")
            return
        for level in explained.levels:
            yield from self.level(level)
        yield from map(self.margin, explained.margins)

    def whom(self) -> Iterator[str]:
        say, event, located = self.language.say, self.explained.event, self.explained.located
        if event.party is not None and self.explained.status != "no_party":
            yield "  " + say("party", party=event.party)
        told = located_said(located, self.language, self.zone)
        if located.how is How.NO_NUMBER:
            yield "  " + say("data" if event.mode == "data" else "number", number="–", located=told)
        else:
            yield "  " + say("number", number=event.b, located=told)

    def name(self, level: str, tier: int) -> str:
        return self.language.say(level, tier=tier)

    def level(self, level: LevelExplained) -> Iterator[str]:
        say, event = self.language.say, self.explained.event
        currency = level.currency or say("no_currency")
        yield say("level", level=self.name(level.level, level.tier), currency=currency, zone=level.zone)
        for place, one in enumerate(level.considered, 1):
            told = reason(one, event.mode, event.direction, level.zone, self.language)
            kind = "trunk" if one.verdict is Verdict.NO_LIST else "list"
            yield "  " + say(kind, place=place, list=one.price_list, verdict=told)
        if level.status != "rated":
            yield "  " + say(level.status)
            yield "  " + say(f"do_{level.status}")
            return
        if level.overage:
            yield "  " + say("overage", list=level.overage)
        yield from self.billed(level)
        yield from self.charge(level)
        yield from self.rings(level)
        rule = say(level.mode)
        amount = self.micro(level.rounded, level)
        yield "  " + say("rounded", decimals=level.decimals, rule=rule, amount=amount)
        for part in level.buckets:
            if part.unit == "money":
                paid, left = self.micro(part.amount, level), self.micro(part.left, level)
                yield "  " + say("pays", bucket=part.bucket, amount=paid, left=left)
        yield "  " + say("equals", amount=self.micro(level.amount, level))

    def billed(self, level: LevelExplained) -> Iterator[str]:
        say, used = self.language.say, self.explained.event.used
        form = "billed_after" if level.before else "billed"
        yield "  " + say(form, units=self.units(level.billed), before=self.units(level.before))
        if level.billed == 0:
            free = used + self.explained.event.offset <= level.grace
            form = "nothing_used" if used == 0 else "within_grace" if free else "nothing_new"
            yield "  " + say(form, grace=self.units(level.grace))
        for part in level.buckets:
            if part.unit != "money":
                told = {"units": self.units(part.amount, part.unit), "left": self.units(part.left, part.unit)}
                yield "  " + say("gives", bucket=part.bucket, **told)

    def charge(self, level: LevelExplained) -> Iterator[str]:
        say, number = self.language.say, self.language.number
        for piece in level.segments:
            yield "  " + say(
                "segment_band" if piece.band else "segment",
                begin=number(piece.begin),
                end=number(piece.end),
                list=piece.price_list,
                band=piece.band,
                price=self.nano(piece.price, level),
                units=number(piece.end - piece.begin),
                per=number(piece.per),
                amount=self.nano(piece.amount, level),
            )
        if level.setup:
            yield "  " + say("setup", amount=self.nano(level.setup, level))
        if level.limit:
            yield "  " + say(level.limit)
        if level.earlier:
            yield "  " + say("earlier", amount=self.nano(level.earlier, level))
        if level.segments:
            yield "  " + say("charge", amount=self.nano(level.charge, level))

    def rings(self, level: LevelExplained) -> Iterator[str]:
        for effect in level.rings:
            yield "  " + self.language.say(
                "ring",
                ring=effect.ring,
                before=self.nano(effect.before, level),
                after=self.nano(effect.before + effect.change, level),
                change=self.nano(effect.change, level),
                share=self.micro(effect.share, level),
            )

    def margin(self, margin: Margin) -> str:
        form = "margin_unknown" if margin.amount is None else "margin" if margin.price is None else "margin_at"
        names: Sequence[str] = list(starmap(self.name, (margin.above, margin.below)))
        return self.language.say(
            form,
            above=names[0],
            below=names[1],
            amount=self.language.money(Decimal(margin.amount or 0).scaleb(_MICRO), margin.currency),
            other=margin.other,
            currency=margin.currency,
            price=self.language.money(margin.price_told or Decimal(0), margin.currency),
        )

    def nano(self, value: int, level: LevelExplained) -> str:
        return self.language.money(Decimal(value).scaleb(_NANO), level.currency)

    def micro(self, value: int, level: LevelExplained) -> str:
        return self.language.money(Decimal(value).scaleb(_MICRO), level.currency)
