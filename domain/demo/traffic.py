"""What was really dialled in the month: calls in UTC, before any switch wrote them down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from domain.contracts.subscription import SubscriptionKind
from domain.demo.destinations import places
from domain.demo.prices import NORTH, SOUTH
from domain.demo.register import Register, midnight
from domain.demo.size import ZONE, Dice, Size, Wheel

STOCKHOLM, GOTHENBURG, MALMO = "pbx-sthlm", "pbx-gbg", "fs-malmo"

DAY = 86_400
# The night in which the clock is put back: 02:00 to 03:00 comes twice, from midnight UTC on.
DOUBLED_HOUR_DAY = 24

# Seconds of talk and how often of a hundred: most calls are short, a few last the afternoon.
_TALK = Wheel(
    [
        ((1, 9), 8),
        ((10, 39), 24),
        ((40, 89), 24),
        ((90, 179), 19),
        ((180, 599), 18),
        ((600, 1_799), 6),
        ((1_800, 7_150), 1),
    ]
)
# Hours of the day at the office and at home.
_OFFICE_HOURS = Wheel(list(enumerate([0] * 6 + [2, 6, 12, 14, 14, 10, 8, 13, 13, 11, 7, 3, 1, 1, 0, 0, 0, 0])))
_HOME_HOURS = Wheel(list(enumerate([1, 1, 0, 0, 0, 1, 2, 4, 5, 6, 6, 6, 7, 6, 6, 7, 9, 12, 14, 15, 13, 9, 5, 2])))
_WEEKDAYS = (20, 20, 20, 20, 18, 5, 4)

# destination and how often of a thousand; every other destination shares what is left
_CALLED = {
    "SE mobil": 500,
    "SE fast": 235,
    "SE 010": 25,
    "SE frisamtal": 28,
    "SE 077": 20,
    "SE betaltjänst": 3,
    "SE upplysning": 5,
    "SE nödnummer": 1,
    "Norway": 14,
    "Norway mobil": 16,
    "Denmark": 11,
    "Denmark mobil": 12,
    "Finland": 10,
    "Finland mobil": 12,
    "Germany": 16,
    "Germany mobil": 12,
    "United Kingdom": 10,
    "United Kingdom mobil": 9,
    "Poland mobil": 9,
    "United States and Canada": 9,
    "Thailand": 3,
    "Australia": 3,
    "Somalia": 2,
}
# How many digits follow a short prefix.
_SHORT = {"SE nödnummer": "", "SE upplysning": "118"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it happened. Times are seconds since 1970, UTC; ``talked`` 0: nobody answered.

    Numbers are E.164 digits, or what was dialled where that is no number.
    """

    switch: str
    a: str
    b: str
    outgoing: bool
    seized: int
    rang: int
    talked: int
    answered: bool
    trunk: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A number in the time in which it is somebody's, on the switch it is connected to."""

    number: str
    switch: str
    office: bool
    first: int
    last: int


def switch_of(kind: SubscriptionKind, number: str) -> str:
    """Return the switch a line is connected to: people mostly on the FreeSWITCH, companies on one of two PBXs."""
    odd = int(number[-2:]) % 2 == 1
    if kind is SubscriptionKind.SIP:
        return STOCKHOLM if number.startswith("468") else MALMO
    return GOTHENBURG if odd else STOCKHOLM


def _lines(register: Register, size: Size) -> Wheel[_Line]:
    """Return the lines, each as often as it is used."""
    begin, end = (int(at.timestamp()) for at in size.period.instants(ZONE))
    weighted: list[tuple[_Line, int]] = []
    for subscription in register.subscriptions:
        office = subscription.kind is not SubscriptionKind.SIP
        weight = {SubscriptionKind.TRUNK: 40, SubscriptionKind.FIXED: 14, SubscriptionKind.MOBILE: 8}
        for held in subscription.numbers:
            first = max(begin, int(held.valid_from.timestamp()))
            last = min(end, int(held.valid_to.timestamp()) if held.valid_to else end)
            line = _Line(held.number, switch_of(subscription.kind, held.number), office, first, last)
            weighted.append((line, weight.get(subscription.kind, 6)))
    return Wheel(weighted)


class Dialling:
    """Draws numbers to call."""

    def __init__(self, register: Register) -> None:
        everywhere = places()
        self._known = {place.name: place.prefixes for place in everywhere}
        rest = [place.name for place in everywhere if place.name not in _CALLED]
        left = 1000 - sum(_CALLED.values())
        self._wheel = Wheel(
            [(name, weight * len(rest)) for name, weight in _CALLED.items()] + [(n, left) for n in rest]
        )
        self._strangers = register.strangers
        own = [held.number for line in register.subscriptions for held in line.numbers]
        self._fixed = [n for n in (*own, *self._strangers) if not n.startswith("467")]
        self._mobile = [n for n in (*own, *self._strangers) if n.startswith("467")]

    def callee(self, dice: Dice) -> str:
        """Draw whom to call; at home from the fictitious series, abroad behind three noughts that nobody is given."""
        name = self._wheel.spin(dice)
        if name in {"SE fast", "SE mobil"}:
            return dice.pick(self._fixed if name == "SE fast" else self._mobile)
        prefix = dice.pick(self._known[name])
        if name in _SHORT:
            return prefix + _SHORT[name]
        return f"{prefix}000{dice.below(1000):03d}{dice.below(10) if len(prefix) < 4 else ''}"

    def stranger(self, dice: Dice) -> str:
        """Draw a number that is nobody's here."""
        return dice.pick(self._strangers)


def _moment(dice: Dice, size: Size, *, office: bool) -> int:
    """Draw when a call begins, by the habits of offices and homes."""
    while True:
        day = dice.below(size.period.days)
        date = size.period.start + timedelta(days=day)
        if office and dice.below(20) >= _WEEKDAYS[date.weekday()]:
            continue
        hour = (_OFFICE_HOURS if office else _HOME_HOURS).spin(dice)
        # Seconds counted from local midnight run on where the clock is changed: the day of the doubled hour has 25.
        return int(midnight(date).timestamp()) + hour * 3600 + dice.below(3600)


def make_calls(register: Register, size: Size) -> Iterator[Call]:
    """Yield the month's calls, in no order of time."""
    dice = Dice(size.seed, "traffic")
    lines, dialling = _lines(register, size), Dialling(register)
    made = 0
    for call in _night(register, size, dice):
        made += 1
        yield call
    while made < size.calls:
        line = lines.spin(dice)
        when = _moment(dice, size, office=line.office)
        if line.first <= when < line.last:
            made += 1
            yield _call(dice, line, when, dialling)


def _call(dice: Dice, line: _Line, when: int, dialling: Dialling) -> Call:
    """Return one call of a line, out or in."""
    outgoing = dice.chance(840)
    answered = dice.chance(830)
    low, high = _TALK.spin(dice)
    # A call that is answered and hung up at once has talked 0 seconds.
    talked = 0 if not answered or dice.chance(6) else dice.between(low, high)
    other = dialling.callee(dice) if outgoing else dialling.stranger(dice)
    if (outgoing and len(other) < 5) or other.startswith("118"):
        answered, talked = True, max(talked, 20)
    return Call(
        switch=line.switch,
        a=line.number if outgoing else other,
        b=other if outgoing else line.number,
        outgoing=outgoing,
        seized=when,
        rang=dice.between(1, 24) if answered else dice.between(4, 45),
        talked=talked,
        answered=answered,
        trunk=NORTH if other[:2] in {"46", "47", "45", "35"} or len(other) < 7 else SOUTH,
    )


def _night(register: Register, size: Size, dice: Dice) -> Iterator[Call]:
    """Yield calls of the night in which an hour comes twice: one in each of the two, at the same local time."""
    midnight_utc = int(midnight(size.period.start + timedelta(days=DOUBLED_HOUR_DAY)).timestamp()) + 2 * 3600
    for subscription in register.subscriptions[: 4 if size.calls < 1000 else 24]:
        held = subscription.numbers[0]
        first = midnight_utc + dice.between(120, 3300)
        for at in (first, first + 3600):
            if held.valid_from.timestamp() <= at and not (held.valid_to and held.valid_to.timestamp() <= at):
                yield Call(
                    switch=switch_of(subscription.kind, held.number),
                    a=held.number,
                    b=dice.pick(register.strangers),
                    outgoing=True,
                    seized=at,
                    rang=dice.between(2, 9),
                    talked=dice.between(20, 110),
                    answered=True,
                    trunk=NORTH,
                )
