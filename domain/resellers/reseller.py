"""A reseller and the chain of tiers above one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.countries import check_country
from domain.fields.definition import Fields
from domain.identity_numbers import check_endpoint, compact_organisation, compact_vat
from domain.ids import CustomerId, OperatorId, ResellerId
from domain.operators import OCR_LEVELS, Address, Operator
from domain.refusal import BadValue

TIERS_MAX = 16
TERMS_MAX = 200
NOTE_MAX = 500
_ACCENT = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LOGO = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who sells on a reseller's documents, how he is paid, and how his documents look.

    ``bankgiro`` is digits only; ``accent`` is a colour such as #0A5566; ``logo`` the SHA-256 of a picture that was put;
    ``note`` stands at the foot of his documents.
    """

    name: str
    organisation_number: str
    vat_id: str
    address: Address
    bankgiro: str | None = None
    iban: str | None = None
    email: str | None = None
    phone: str | None = None
    endpoint: str | None = None
    ocr_level: str = "length"
    payment_terms_days: int | None = None
    accent: str | None = None
    logo: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reseller:
    """One node of the tree. ``price_list`` names the wholesale list he buys at; None: no wholesale level for him.

    ``customer`` is the customer of his own seller that he is invoiced as for what he buys; None: he is not invoiced.
    ``seller`` is who stands on his customers' invoices; None: the nearest reseller above who has one, or the operator.
    Parent, list and customer are those of the present; ``Term`` is what they were and will be.
    """

    id: ResellerId
    operator: OperatorId
    code: str
    name: str
    parent: ResellerId | None = None
    price_list: str | None = None
    customer: CustomerId | None = None
    seller: Seller | None = None
    version: int = 1
    fields: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What a reseller buys at and of whom from an instant on, until his next one."""

    reseller: ResellerId
    valid_from: datetime
    parent: ResellerId | None = None
    price_list: str | None = None
    customer: CustomerId | None = None


def check(reseller: Reseller) -> Reseller:
    """Return the reseller. Refuses with: BadValue, naming the field."""
    if not reseller.code.strip() or len(reseller.code) > 40:
        raise BadValue("a code has 1 to {most} characters", most=40, field="code")
    if not reseller.name.strip() or len(reseller.name) > 200:
        raise BadValue("a name has 1 to {most} characters", most=200, field="name")
    if reseller.seller is None:
        return reseller
    return replace(reseller, seller=check_seller(reseller.seller))


def check_seller(seller: Seller) -> Seller:
    """Return the seller with his identity numbers in compact form. Refuses with: BadValue, naming the field."""
    place = seller.address
    if not seller.name.strip() or len(seller.name) > 200:
        raise BadValue("a name has 1 to {most} characters", most=200, field="seller.name")
    check_country(place.country, field="seller.address.country")
    if not all(part.strip() for part in (place.street, place.postcode, place.city)):
        raise BadValue("a seller's address has a street, a postcode and a city", field="seller.address")
    bankgiro = None if seller.bankgiro is None else re.sub(r"[ -]", "", seller.bankgiro)
    if bankgiro is not None and not re.fullmatch(r"[0-9]{7,8}", bankgiro, re.ASCII):
        raise BadValue("a bankgiro number is 7 or 8 digits", field="seller.bankgiro")
    if seller.ocr_level not in OCR_LEVELS:
        raise BadValue("an OCR level is one of {levels}", levels=", ".join(OCR_LEVELS), field="seller.ocrLevel")
    if seller.payment_terms_days is not None and not 0 <= seller.payment_terms_days <= 365:
        raise BadValue("payment terms are 0 to 365 days", field="seller.paymentTermsDays")
    if seller.accent is not None and not _ACCENT.fullmatch(seller.accent):
        raise BadValue("a colour is written as #0A5566", field="seller.accent")
    if seller.logo is not None and not _LOGO.fullmatch(seller.logo):
        raise BadValue("a logo is named by the SHA-256 of a picture that was put", field="seller.logo")
    if len(seller.note or "") > NOTE_MAX:
        raise BadValue("a note has at most {most} characters", most=NOTE_MAX, field="seller.note")
    if seller.endpoint is not None:
        check_endpoint(seller.endpoint, field="seller.endpoint")
    number = compact_organisation(place.country, seller.organisation_number, field="seller.organisationNumber")
    vat_id = compact_vat(seller.vat_id, field="seller.vatId")
    return replace(seller, bankgiro=bankgiro, organisation_number=number, vat_id=vat_id)


def tiers(reseller: ResellerId | None, tree: Mapping[ResellerId, Reseller]) -> tuple[Reseller, ...]:
    """Return the resellers from the outermost tier down to ``reseller``; empty for the operator's own customers."""
    chain: list[Reseller] = []
    while reseller is not None:
        assert len(chain) < TIERS_MAX, "the reseller tree has a cycle or is too deep"
        node = tree[reseller]
        chain.append(node)
        reseller = node.parent
    return tuple(reversed(chain))


def subtree(root: ResellerId, tree: Mapping[ResellerId, Reseller]) -> tuple[ResellerId, ...]:
    """Return ``root`` and everyone below him, himself first."""
    return tuple(
        sorted((key for key in tree if any(tier.id == root for tier in tiers(key, tree))), key=lambda key: key != root)
    )


def seller_above(reseller: ResellerId | None, tree: Mapping[ResellerId, Reseller]) -> Reseller | None:
    """Return who sells to the customers of ``reseller``: the nearest who sells in his own name; None: the operator."""
    return next((tier for tier in reversed(tiers(reseller, tree)) if tier.seller is not None), None)


def selling(operator: Operator, seller: Seller) -> Operator:
    """Return what documents of this seller start from: the operator's settings, and whatever is the seller's own."""
    terms = operator.payment_terms_days if seller.payment_terms_days is None else seller.payment_terms_days
    return replace(
        operator,
        name=seller.name,
        organisation_number=seller.organisation_number,
        vat_id=seller.vat_id,
        vat_ids={},
        address=seller.address,
        country=seller.address.country,
        bankgiro=seller.bankgiro,
        iban=seller.iban,
        email=seller.email,
        phone=seller.phone,
        endpoint=seller.endpoint,
        ocr_level=seller.ocr_level,
        payment_terms_days=terms,
    )


def as_of(base: Mapping[ResellerId, Reseller], terms: Sequence[Term], at: datetime) -> dict[ResellerId, Reseller]:
    """Return the tree as it is at an instant. ``base`` is what holds before the first term of each."""
    latest: dict[ResellerId, Term] = {}
    for term in sorted(terms, key=lambda one: one.valid_from):
        if term.valid_from <= at:
            latest[term.reseller] = term
    return {
        key: one
        if key not in latest
        else replace(one, parent=latest[key].parent, price_list=latest[key].price_list, customer=latest[key].customer)
        for key, one in base.items()
    }


def check_tree(base: Mapping[ResellerId, Reseller], terms: Sequence[Term]) -> None:
    """Check that the tree is one, and no deeper than it may be, at every instant from the first term on.

    Refuses with: BadValue.
    """
    for at in sorted({term.valid_from for term in terms}):
        tree = as_of(base, terms, at)
        for key in tree:
            here: ResellerId | None = key
            depth = 0
            while here is not None:
                depth += 1
                if depth > TIERS_MAX:
                    raise BadValue(
                        "on {day} the tree of resellers would go round, or be deeper than {most} tiers",
                        day=at.date().isoformat(),
                        most=TIERS_MAX,
                        field="parent",
                    )
                here = tree[here].parent


# Whom somebody acts for, and the resellers that he reaches.
Reach = tuple[ResellerId | None, tuple[ResellerId, ...]]


def narrowest(
    own: int | None, below: tuple[ResellerId, ...], limited: int | None, beyond: tuple[ResellerId, ...]
) -> Reach:
    """Return the reseller that somebody acts for and whom he reaches: his own, or the part his level limits him to.

    ``below`` are those of his own, ``beyond`` those of the limit. A limit that is no part of his leaves him nothing.
    """
    if limited is None:
        return None if own is None else ResellerId(own), below
    if own is not None and limited not in below:
        return ResellerId(own), ()
    return ResellerId(limited), beyond
