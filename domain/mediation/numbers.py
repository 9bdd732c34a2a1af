"""Numbers as dialled at a source, made into E.164 digits (ITU-T E.164) where they are such.

The order is: the profile's rewrites; short numbers as they are; ``+``; the international prefix; the national prefix;
and a bare national number only where the plan has no national prefix or an optional one (North America). What fits none
is kept as the source wrote it. Validity is never asked: a premium number that a library does not know is billed too.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import phonenumbers
import polars as pl

from domain.mediation.profile import NumberPlan
from domain.mediation.text_columns import buffers, dial, of_buffers

_DIGITS_MIN: Final = 7  # country code and subscriber, the shortest in use
_DIGITS_MAX: Final = 15
_URI: Final = r"(?i)(?:sips?|tel):([^@;>?]*)"
_SPACED: Final = r"^\+?[(]?[0-9][0-9 ()/\-\x{a0}]*$"
_NANP: Final = "1"
_SHORT_LENGTH_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class _Rules:
    """A plan with every default filled in. ``plain``: the international prefix, where it is one of plain digits."""

    code: str
    national_prefix: str
    international: str
    plain: str | None
    lengths: tuple[int, ...]
    bare: str
    short: tuple[str, ...]
    short_max: int
    rewrite: tuple[tuple[str, str], ...]


@functools.lru_cache(maxsize=256)
def _rules(plan: NumberPlan) -> _Rules:
    """Fill a plan from phonenumbers' metadata of its country; without a country only + and 00 are known."""
    most = _SHORT_LENGTH_MAX
    if plan.country is None:
        prefix = "00" if plan.international_prefix is None else plan.international_prefix
        return _Rules(
            "", plan.national_prefix or "", _prefix(prefix), prefix, (), "", plan.short or (), most, plan.rewrite
        )
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(plan.country)
    short = phonenumbers.PhoneMetadata.short_metadata_for_region(plan.country)
    assert metadata is not None
    assert metadata.general_desc is not None
    code = str(metadata.country_code)
    pattern = metadata.general_desc.national_number_pattern or ""
    known_short = (short.short_code.national_number_pattern,) if short is not None and short.short_code else ()
    if plan.short is None and short is not None and short.short_code:
        most = max(short.short_code.possible_length)
    national = (metadata.national_prefix or "") if plan.national_prefix is None else plan.national_prefix
    known = metadata.international_prefix or ""
    abroad = known if plan.international_prefix is None else plan.international_prefix
    return _Rules(
        code=code,
        plain=abroad if not abroad or abroad.isdigit() else None,
        national_prefix=national,
        international=_prefix(plan.international_prefix)
        if plan.international_prefix is not None
        else f"^(?:{metadata.international_prefix})",
        lengths=tuple(length for length in metadata.general_desc.possible_length if length > 0),
        bare=f"^(?:{pattern})$" if not national or code == _NANP else "",
        short=plan.short if plan.short is not None else tuple(filter(None, known_short)),
        short_max=most,
        rewrite=plan.rewrite,
    )


def _prefix(digits: str) -> str:
    return f"^{digits}" if digits else ""


def e164(column: pl.Series, plan: NumberPlan) -> pl.Series:
    """Return E.164 digits without plus where the text is such a number, otherwise the text as it is."""
    rules = _rules(plan)
    if (
        rules.plain is not None
        and not rules.bare
        and not rules.rewrite
        and (dialled := _plain(column, rules)) is not None
    ):
        return dialled
    return _expressed(column, rules)


def _expressed(column: pl.Series, rules: _Rules) -> pl.Series:
    """Return the numbers by expressions, which know patterns, rewrites, URIs and separators."""
    text = column.alias("text")
    for match, replace in rules.rewrite:
        text = text.str.replace(match, replace)
    frame = text.to_frame().with_columns(rest=pl.col("text").str.strip_prefix("+"))
    frame = frame.with_columns(digits=pl.col("rest").str.contains("^[0-9]+$"))
    if not frame["digits"].all():
        frame = _unwrapped(frame)
    cases = _cases(rules)
    answer = pl.when(cases[0][0]).then(cases[0][1])
    chain = functools.reduce(lambda so_far, case: so_far.when(case[0]).then(case[1]), cases[1:], answer)  # type: ignore[arg-type, return-value]  # Then and ChainedThen share when()
    return frame.select(chain.otherwise(pl.col("text"))).to_series().alias(column.name)


def _plain(column: pl.Series, rules: _Rules) -> pl.Series | None:
    """Return the numbers of a column of digits by a plan of plain prefixes, None where there is more in it."""
    ends, data = buffers(column)
    kept = np.zeros(len(column), dtype=np.bool_)
    if rules.short and len(brief := np.flatnonzero(np.diff(ends) <= rules.short_max)):
        kept[brief] = column.gather(brief).str.contains(_short(rules)).to_numpy()
    out_ends = np.zeros(len(ends), dtype=np.int64)
    out = np.zeros(int(ends[-1] - ends[0]) + len(rules.code) * len(column) + 1, dtype=np.uint8)
    lengths = np.isin(np.arange(20), rules.lengths)
    code, abroad, trunk = (
        np.frombuffer(text.encode(), dtype=np.uint8) for text in (rules.code, rules.plain or "", rules.national_prefix)
    )
    if not dial(ends, data, kept, code, abroad, trunk, lengths, out_ends, out):
        return None
    return of_buffers(out_ends, out).alias(column.name)


def _short(rules: _Rules) -> str:
    """Return the pattern of whole short numbers."""
    return f"^(?:{'|'.join(f'(?:{one})' for one in rules.short)})$"


def of_type(kind: int, digits: str, plan: NumberPlan) -> str:
    """Return an address with its type of number (ITU-T Q.763: 1 international, 2 national) as it would be dialled.

    >>> of_type(1, "46701740605", NumberPlan()), of_type(2, "846500401", NumberPlan(country="SE"))
    ('+46701740605', '+46846500401')
    """
    if kind == 1:
        return f"+{digits}"
    rules = _rules(plan)
    dialled = digits.startswith((rules.national_prefix or "00", "00"))
    return f"+{rules.code}{digits}" if kind == 2 and not dialled and len(digits) in rules.lengths else digits


def _unwrapped(frame: pl.DataFrame) -> pl.DataFrame:
    """Take the user part of SIP and tel URIs and the separators out of numbers written for people."""
    text, digits = pl.col("text"), pl.col("digits")
    user = text.str.extract(_URI, 1).str.replace("(?i)^%2b", "+")
    frame = frame.with_columns(text=pl.when(~digits & user.is_not_null()).then(user).otherwise(text))
    spaced = ~digits & text.str.contains(_SPACED)
    frame = frame.with_columns(text=pl.when(spaced).then(text.str.replace_all("[^+0-9]", "")).otherwise(text))
    return frame.with_columns(rest=text.str.strip_prefix("+")).with_columns(
        digits=pl.col("rest").str.contains("^[0-9]+$")
    )


def _cases(rules: _Rules) -> list[tuple[pl.Expr, pl.Expr]]:
    """Return the plan as a list of condition and number, first match wins; otherwise the text stands."""
    text, rest, digits = pl.col("text"), pl.col("rest"), pl.col("digits")
    length = text.str.len_bytes()
    plus = digits & text.str.starts_with("+")
    cases = []
    if rules.short:
        cases.append((text.str.contains(_short(rules)) & (text.str.len_bytes() <= _SHORT_LENGTH_MAX), text))
    cases.append((plus & rest.str.len_bytes().is_between(_DIGITS_MIN, _DIGITS_MAX), rest))
    cases.append((~digits | plus, text))
    if rules.international:
        stripped = text.str.replace(rules.international, "")
        kept = stripped.str.len_bytes()
        # A country code never begins with 0, so ``000…`` is no international number.
        usable = kept.is_between(_DIGITS_MIN, _DIGITS_MAX) & (kept < length) & ~stripped.str.starts_with("0")
        cases.append((usable, stripped))
    code = pl.lit(rules.code)
    if rules.national_prefix and rules.lengths:
        trunk = len(rules.national_prefix)
        fits = (length - trunk).is_in(list(rules.lengths))
        if rules.international:  # no national number begins as one of another country is dialled
            fits &= ~text.str.contains(rules.international)
        cases.append((text.str.starts_with(rules.national_prefix) & fits, pl.concat_str(code, text.str.slice(trunk))))
    if rules.bare:
        inner = text.str.slice(len(rules.code))
        whole = text.str.starts_with(rules.code) & inner.str.contains(rules.bare)
        national = length.is_in(list(rules.lengths)) & text.str.contains(rules.bare)
        if rules.international:  # nor does a bare one: 00112 is no five digits of Norway
            national &= ~text.str.contains(rules.international)
        cases.append((national & ~whole, pl.concat_str(code, text)))
    return cases
