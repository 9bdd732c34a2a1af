"""The demo's tariff document: one master list, lists that inherit from it, a wholesale chain and two cost lists."""

from __future__ import annotations

from domain.demo.destinations import Place, places
from domain.demo.size import ZONE

MASTER = "Grundprislista"
PRIVATE = "Privat"
BUSINESS = "Företag"
SME = "Småföretag"
AGREED = "Avtal Fjällfrakt"
WHOLESALE = "Grossist"
AGENT = "Grossist ombud"
RESOLD = "Fjällnät kund"
NORTH = "transit-nord"
SOUTH = "transit-syd"

# The public holidays of 2026 (lag 1989:253).
HOLIDAYS = [
    *("2026-01-01", "2026-01-06", "2026-04-03", "2026-04-05", "2026-04-06", "2026-05-01", "2026-05-14", "2026-05-24"),
    *("2026-06-06", "2026-06-20", "2026-10-31", "2026-12-25", "2026-12-26"),
]

# group -> (setup, peak, off-peak) in kronor, the prices per minute
_GROUPS = {
    "Sverige": ("0.49", "0.39", "0.24"),
    "Norden": ("0.69", "0.79", "0.69"),
    "Europa": ("0.69", "0.95", "0.85"),
    "Världen 1": ("0.69", "1.49", "1.29"),
    "Världen 2": ("0.99", "4.90", "4.50"),
    "Världen 3": ("0.99", "9.80", "8.90"),
}
# destination -> (setup, peak, off-peak)
_OWN = {
    "SE fast": ("0.39", "0.29", "0.19"),
    "SE mobil": ("0.49", "0.59", "0.45"),
    "SE 010": ("0.39", "0.29", "0.19"),
    "SE 077": ("0.39", "0.35", "0.35"),
    "Norway": ("0.59", "0.49", "0.39"),
    "Norway mobil": ("0.69", "1.19", "0.99"),
    "Denmark": ("0.59", "0.49", "0.39"),
    "Denmark mobil": ("0.69", "1.09", "0.95"),
    "Finland": ("0.59", "0.69", "0.59"),
    "Finland mobil": ("0.69", "1.15", "0.99"),
    "Germany": ("0.59", "0.59", "0.49"),
    "Germany mobil": ("0.69", "1.89", "1.69"),
    "United Kingdom": ("0.59", "0.59", "0.49"),
    "United Kingdom mobil": ("0.69", "1.95", "1.75"),
    "Poland": ("0.59", "0.69", "0.59"),
    "Poland mobil": ("0.69", "1.79", "1.59"),
    "United States and Canada": ("0.69", "0.69", "0.69"),
    "Thailand": ("0.69", "1.95", "1.75"),
    "Somalia": ("0.99", "8.90", "8.90"),
}


def _voice(to: str, price: str, **more: object) -> dict[str, object]:
    """Return a rate per minute in increments of a second unless told otherwise."""
    return {"to": to, "mode": "voice", "steps": [{"price": price, "per": 60}]} | more


def _banded(to: str, prices: tuple[str, str, str], **more: object) -> list[dict[str, object]]:
    """Return the two rates of a destination, by day and otherwise."""
    setup, peak, off_peak = prices
    return [
        _voice(to, peak, setup=setup, band="dag", **more),
        _voice(to, off_peak, setup=setup, band="lågtid", **more),
    ]


def _master() -> list[dict[str, object]]:
    """Return the master list's rates: one's own prices where there are, a group's for the rest."""
    rates: list[dict[str, object]] = []
    for name, prices in _OWN.items():
        rates += _banded(name, prices)
    for group, prices in _GROUPS.items():
        rates += _banded(f"group:{group}", prices, first=10 if group.startswith("Världen") else 1)
    # The longer one talks to the far side of the world, the less a minute costs.
    rates.append(
        {"to": "Australia", "mode": "voice", "setup": "0.69", "first": 60}
        | {"steps": [{"next": 60, "price": "1.90", "per": 60}, {"from": 180, "next": 60, "price": "0.95", "per": 60}]}
    )
    rates.append(_voice("group:Öar och satellit", "39.00", setup="4.90", first=60, min_charge="25.00"))
    rates.append(_voice("SE betaltjänst", "14.90", setup="9.90", first=60, max_charge="300.00"))
    rates.append(_voice("SE upplysning", "19.90", setup="14.90", first=60))
    rates.append(_voice("group:Fria nummer", "0"))
    rates.append(_voice("*", "0", direction="in"))
    return rates


def _adjusted(percent: str) -> list[dict[str, object]]:
    """Return one rate that changes every outgoing call's price of the lists further up."""
    return [{"to": "*", "mode": "voice", "adjust": {"percent": percent}}]


def _lists() -> dict[str, object]:
    """Return the price lists by name."""
    root = {"currency": "SEK", "zone": ZONE, "band_policy": "at_start", "rounding": {"decimals": 4, "mode": "half_up"}}
    return {
        MASTER: root | {"rates": _master()},
        PRIVATE: {"parent": MASTER, "rates": _banded("SE fast", ("0.39", "0.25", "0.09"))},
        BUSINESS: {
            "parent": MASTER,
            "rates": _banded("SE fast", ("0", "0.19", "0.19")) + _banded("SE mobil", ("0", "0.45", "0.45")),
        },
        SME: {"parent": BUSINESS, "rates": _adjusted("-10")},
        AGREED: {
            "parent": BUSINESS,
            "rates": [*_banded("Norway", ("0", "0.25", "0.25")), *_banded("group:Norden", ("0", "0.59", "0.59"))],
        },
        RESOLD: {"parent": MASTER, "rates": _adjusted("5")},
        WHOLESALE: {"parent": MASTER, "rates": _adjusted("-35")},
        AGENT: {"parent": WHOLESALE, "rates": _adjusted("12")},
        f"Kostnad {NORTH}": root | {"rates": _costs(places(), north=True)},
        f"Kostnad {SOUTH}": root | {"rates": _costs(places(), north=False)},
    }


def _costs(destinations: tuple[Place, ...], *, north: bool) -> list[dict[str, object]]:
    """Return a supplier's list, a rate per destination, by the second, in hundredths of an öre."""
    per_group = {
        "Sverige": 400,
        "Norden": 1_400,
        "Europa": 2_100,
        "Världen 1": 3_900,
        "Världen 2": 19_500,
        "Världen 3": 46_000,
        "Öar och satellit": 190_000,
        "Betaltjänster": 52_000,
        "Fria nummer": 0,
    }
    rates = []
    for index, place in enumerate(destinations):
        level = per_group[place.group]
        mobile = place.name.endswith("mobil")
        # Each supplier is the cheaper one at home; the spread between destinations is arithmetic, not chance.
        home = place.group in {"Sverige", "Norden"}
        price = level * (100 + (7 * index) % 23) // 100 * (2 if mobile else 1) * (9 if home == north else 11) // 10
        rates.append(_voice(place.name, f"{price // 10_000}.{price % 10_000:04d}"))
    rates.append(_voice("*", "0", direction="in"))
    return rates


def tariff_document() -> dict[str, object]:
    """Return the whole catalogue as a tariff document, without parties."""
    weekdays: dict[str, object] = {"days": "1-5", "from": "08:00", "to": "18:00", "except_holidays": "SE", "rank": 1}
    return {
        "bands": {"dag": weekdays, "lågtid": {"rank": 2}},
        "holidays": {"SE": HOLIDAYS},
        "destinations": {place.name: {"prefixes": list(place.prefixes), "groups": [place.group]} for place in places()},
        "price_lists": _lists(),
        "trunks": {name: {"cost": f"Kostnad {name}"} for name in (NORTH, SOUTH)},
    }
