"""The explanation adds up to what the kernel charged, on random tariffs that mix every rule."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from fractions import Fraction

import pytest

from domain.catalogue.document import read_tariff
from domain.rating.explain import Explainer
from domain.rating.requests import asked, read_event
from domain.rating.vectors import rate_document
from domain.refusal import LimitExceeded
from domain.telling.data import data
from domain.telling.language import LANGUAGES
from domain.telling.text import text

from . import generated, wild

CASES = [(generated, seed) for seed in range(1000, 1025)] + [(wild, seed) for seed in range(500, 506)]


def explained(world, seed):
    """Yield (explanation, the kernel's answer) of each event of a random tariff, in the order in which they draw."""
    document, given = json.loads(json.dumps(world.tariff(seed))), world.events(seed)
    answers = {answer["id"]: answer for answer in rate_document(document, given)}
    explainer = Explainer(read_tariff(document))
    requests = [read_event(event) for event in given]
    for request in sorted(requests, key=lambda r: (r.start, r.offset, r.id)):
        yield explainer.explain(asked(request)), answers[request.id]


@pytest.mark.parametrize(("world", "seed"), CASES, ids=lambda value: getattr(value, "__name__", str(value))[-20:])
def test_an_explanation_adds_up_to_the_kernels_amount(world, seed):
    for explanation, answer in explained(world, seed):
        if explanation.status != "rated":
            assert explanation.status == answer["unrated"]
            continue
        assert explanation.destination == answer["destination"]
        kernels = [answer["retail"], *(answer["wholesale"] or []), answer["cost"]]
        kernels = [level for level in kernels if level is not None]
        for level, kernel in zip(explanation.levels, kernels, strict=True):
            if level.status != "rated":
                assert kernel == {"unrated": level.status}
                continue
            assert f"{level.amount / 10**6:.6f}" == kernel["amount"] or level.amount > 10**15, (answer["id"], level)
            assert Decimal(level.amount).scaleb(-6) == Decimal(kernel["amount"])
            assert (level.billed, level.price_list, level.band) == tuple(
                kernel[k] for k in ("billed", "price_list", "band")
            )


def half_away(value):
    whole = int(abs(value) * 2 + 1) // 2
    return whole if value >= 0 else -whole


def adds_up(level):
    """Work a level's charge out again from nothing but what its data says, as a person would with a calculator."""
    nano = [int(Decimal(piece["amount"]).scaleb(9)) for piece in level["segments"]]
    for piece, amount in zip(level["segments"], nano, strict=True):
        assert piece["units"] == piece["to"] - piece["from"] > 0
        assert amount == half_away(Fraction(piece["price"]) * 10**9 * piece["units"] / piece["per"])
    charge = int(Decimal(level["charge"]).scaleb(9))
    if not level["segments"]:
        assert charge == 0
    elif level["limit"] is None and not level["billed_before"]:
        assert charge == sum(nano) + int(Decimal(level["setup"]).scaleb(9))
    taken = sum(int(part["amount"]) for part in level["buckets"] if part["unit"] != "money")
    assert taken == level["from_buckets"] <= level["billed"]
    left = charge
    for effect in level["rings"]:
        assert int(Decimal(effect["before"]).scaleb(9)) == left
        left += int(Decimal(effect["change"]).scaleb(9))
        assert left >= 0
    rounded, paid = Decimal(level["rounded"]), [Decimal(p["amount"]) for p in level["buckets"] if p["unit"] == "money"]
    assert rounded == Decimal(level["amount"]) + sum(paid)
    # The charge, rounded as the amount is, and the shares sum exactly to what was left.
    unit = 10 ** (6 - level["rounding"]["decimals"])
    assert Decimal(level["rounded"]).scaleb(6) % unit == 0
    if level["rings"]:
        shares = sum(Decimal(effect["share"]) for effect in level["rings"])
        assert abs(rounded - shares - Decimal(charge).scaleb(-9)) <= Decimal(unit).scaleb(-6)


@pytest.mark.parametrize(("world", "seed"), CASES[::3], ids=lambda value: getattr(value, "__name__", str(value))[-20:])
def test_its_data_adds_up_by_itself_and_every_list_of_the_chain_stands_in_it(world, seed):
    tariff = read_tariff(json.loads(json.dumps(world.tariff(seed))))
    for explanation, _ in explained(world, seed):
        told = json.loads(json.dumps(data(explanation)))
        for level, said in zip(explanation.levels, told["levels"], strict=True):
            asked_lists = [one["price_list"] for one in said["considered"]]
            if level.status == "rated":
                adds_up(said)
                own = level.price_list if not level.overage else None
                assert own is None or own in asked_lists
                assert any(one["decided"] for one in said["considered"])
            for one in said["considered"]:
                assert one["why"]
                if one["price_list"] in tariff.price_lists and one["decided"]:
                    assert one["rate"] is not None
        for margin, other in zip(explanation.margins, told["margins"], strict=True):
            above, below = (
                next(x for x in explanation.levels if (x.level, x.tier) == side)
                for side in (margin.above, margin.below)
            )
            if above.currency == below.currency:
                assert Decimal(other["amount"]) == Decimal(above.amount - below.amount).scaleb(-6)
            else:
                assert other["amount"] is None


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_tells_every_explanation(code):
    language, english = LANGUAGES[code], LANGUAGES["en"]
    for seed in (1003, 1007):
        for explanation, _ in explained(generated, seed):
            told = text(explanation, language)
            assert len(told.splitlines()) == len(text(explanation, english).splitlines())
            assert "{" not in told
            assert "None" not in told


def test_a_long_call_over_many_bands_is_explained_at_once_and_one_without_end_is_refused():
    document = json.loads(json.dumps(generated.tariff(1003)))
    for plist in document["price_lists"].values():
        plist["band_policy"] = "split"
    explainer = Explainer(read_tariff(document))
    event = {"party": "p0", "mode": "voice", "b": "46201", "start": "2026-10-24T12:00:00Z", "used": 30 * 86_400}
    began = time.perf_counter()
    assert explainer.explain(asked(read_event(event))).status == "rated"
    assert time.perf_counter() - began < 5
    with pytest.raises(LimitExceeded):
        explainer.explain(asked(read_event(event | {"used": 10**12})))
