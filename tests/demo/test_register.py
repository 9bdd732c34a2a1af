"""The demo's customers, contracts and numbers: well-formed, fictitious, and with what a bill run must cope with."""

from collections import Counter
from itertools import pairwise

import pytest
from stdnum.se import orgnr, personnummer, vat

from domain.contracts import contract as contracts
from domain.contracts import service as services
from domain.contracts import subscription as subscriptions
from domain.customers import customer as customers
from domain.customers.customer import CustomerKind, Delivery
from domain.demo.operator import OPERATOR, RESELLERS, SERVICES
from domain.demo.people import luhn, organisation_number
from domain.demo.register import fixed_numbers, make_register, midnight, mobile_numbers
from domain.demo.size import SMALL, STANDARD, Size
from domain.refusal import BadValue
from domain.resellers.reseller import tiers


@pytest.fixture(params=[SMALL, STANDARD, Size(customers=900, calls=100)], ids=["small", "standard", "large"])
def register(request):
    return make_register(request.param)


def test_the_register_passes_every_check_of_the_domain(register):
    for customer in register.customers:
        customers.check(customer)
        customers.compact_identity(customer.kind, "SE", customer.identity_number)
    for contract in register.contracts:
        contracts.check(contract)
    for subscription in register.subscriptions:
        subscriptions.check(subscription)
    for service in SERVICES:
        services.check(service)


def test_identity_numbers_and_vat_ids_are_well_formed(register):
    for customer in register.customers:
        if customer.kind is CustomerKind.PERSON:
            assert personnummer.is_valid(customer.identity_number)
            assert customer.identity_number[9:12] >= "980", "a serial that is not kept for test persons"
        else:
            assert orgnr.is_valid(customer.identity_number)
            assert vat.is_valid(customer.vat_id)
    assert orgnr.is_valid(OPERATOR.organisation_number)
    assert vat.is_valid(OPERATOR.vat_id)
    assert luhn(OPERATOR.bankgiro[:-1]) == OPERATOR.bankgiro
    assert len({organisation_number(index) for index in range(12_000)}) == 12_000


def test_keys_count_from_one_and_point_at_what_came_before(register):
    for rows in (register.customers, register.contracts, register.subscriptions):
        assert [row.id for row in rows] == list(range(1, len(rows) + 1))
    for customer in register.customers:
        assert customer.parent is None or customer.parent < customer.id
    assert len({customer.number for customer in register.customers}) == len(register.customers)
    assert len({contract.number for contract in register.contracts}) == len(register.contracts)


def test_a_number_belongs_to_one_line_at_a_time(register):
    held = {}
    for subscription in register.subscriptions:
        for assignment in subscription.numbers:
            held.setdefault(assignment.number, []).append(assignment)
    for number, spans in held.items():
        assert number not in register.strangers
        for before, after in pairwise(sorted(spans, key=lambda span: span.valid_from)):
            assert before.valid_to is not None
            assert before.valid_to <= after.valid_from
    assert [number for number, spans in held.items() if len(spans) == 2], "no number changes its owner"


def test_numbers_come_from_the_series_kept_for_fiction():
    fixed, mobile = list(fixed_numbers())[:400], list(mobile_numbers())[:95]
    assert len({*fixed, *mobile}) == 495
    assert set(Counter(number[:7] for number in fixed)) == {"4684650", "4631390", "4640628", "4698031"}
    standard = make_register(STANDARD)
    own = [held.number for line in standard.subscriptions for held in line.numbers]
    assert {*own, *standard.strangers} <= {*fixed, *mobile}


def test_what_a_bill_run_must_cope_with_is_there(register):
    period = SMALL.period
    assert any(customer.through_parent for customer in register.customers)
    assert any(customer.parent and not customer.through_parent for customer in register.customers)
    assert {customer.kind for customer in register.customers} == set(CustomerKind)
    assert any(customer.delivery is Delivery.PEPPOL and customer.endpoint for customer in register.customers)
    assert any(period.start < contract.start < period.end for contract in register.contracts)
    assert any(contract.end and period.start < contract.end < period.end for contract in register.contracts)
    changes = [
        line.end for contract in register.contracts for line in contract.services if line.end and not contract.end
    ]
    assert any(period.start < end < period.end for end in changes)
    tree = {reseller.id: reseller for reseller in RESELLERS}
    assert {len(tiers(customer.reseller, tree)) for customer in register.customers} == {0, 1, 2}


def test_a_day_begins_at_local_midnight_on_both_sides_of_the_clock_change():
    assert midnight(SMALL.period.start).hour == 22
    assert midnight(SMALL.period.end).hour == 23


@pytest.mark.parametrize(
    ("field", "value"), [("customers", 9), ("customers", 50_001), ("calls", 99), ("calls", 5_000_001)]
)
def test_a_size_out_of_bounds_is_refused(field, value):
    with pytest.raises(BadValue) as no:
        Size(**{field: value})
    assert no.value.field == field
