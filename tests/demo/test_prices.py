"""The demo's tariff document is read by the same strict reader as an operator's own."""

from domain.catalogue.document import read_tariff
from domain.demo.operator import RESELLERS
from domain.demo.parties import parties
from domain.demo.prices import tariff_document
from domain.demo.register import make_register
from domain.demo.size import STANDARD


def test_the_document_is_read_without_a_fault():
    tariff = read_tariff(tariff_document())
    assert len(tariff.destinations) > 280
    assert sum(len(place.prefixes) for place in tariff.destinations.values()) > 350
    assert tariff.chain("Småföretag") == ("Småföretag", "Företag", "Grundprislista")
    assert {trunk.cost for trunk in tariff.trunks.values()} <= set(tariff.price_lists)


def test_every_list_that_somebody_buys_at_exists():
    lists = set(read_tariff(tariff_document()).price_lists)
    register = make_register(STANDARD)
    assert {customer.price_list for customer in register.customers} <= lists
    assert {contract.price_list for contract in register.contracts if contract.price_list} <= lists
    assert {reseller.price_list for reseller in RESELLERS} <= lists


def test_a_price_is_never_written_as_a_number():
    def floats(value):
        if isinstance(value, dict):
            return any(map(floats, value.values()))
        return any(map(floats, value)) if isinstance(value, list | tuple) else isinstance(value, float)

    assert not floats(tariff_document())


def test_with_the_register_as_parties_it_is_a_whole_tariff():
    register = make_register(STANDARD)
    tariff = read_tariff(tariff_document() | {"parties": parties(register)})
    assert len(tariff.parties) == len(register.subscriptions)
    assert {len(party.wholesale) for party in tariff.parties.values()} == {0, 1, 2}
    numbers = [number for party in tariff.parties.values() for number in party.numbers]
    assert len(numbers) == len(set(numbers)) == len({n.number for line in register.subscriptions for n in line.numbers})
