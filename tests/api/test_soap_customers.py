"""Customers' life over SOAP: the same use cases under their numbers, and who meets them."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import zeep

from tests.api.conftest import House
from tests.api.test_soap import ADDRESS, PORTS, _soap
from tests.api.test_soap_margins import code


def make(service: Any, name: str, **more: Any) -> Any:
    return service.CreateCustomer(customer={"kind": "organisation", "name": name, "address": ADDRESS} | more)


@pytest.mark.parametrize("port", PORTS)
async def test_a_customer_whole_moved_merged_and_found(live: House, port: str) -> None:
    numbers: dict[str, str] = {}

    def operator(service: Any) -> None:
        field = service.DefineField(aggregate="customer", name="crm", kind="integer", searchable=True)
        assert (field.version, field.required) == (1, False)
        ended = service.ChangeField(aggregate="customer", name="crm", version=1, change={"required": False})
        assert ended.version == 1, "nothing is different"
        assert [one.name for one in service.ListOwnFields(aggregate="customer")] == ["crm"]
        assert code(service.DefineField, aggregate="customer", name="Bad", kind="text") == "bad_value"
        top = make(service, "Top")
        low = make(
            service,
            "Low",
            parentNumber=top.number,
            billedThroughNumber=top.number,
            creditLimit=Decimal("10.5"),
            buyerReference="PO 1",
            recipient={"attention": "Eva", "address": ADDRESS},
            contact=[{"name": "Bo", "role": ["invoice", "technical"], "email": "bo@x.se"}],
            field=[{"name": "crm", "value": "07"}],
        )
        assert (low.creditLimit, low.buyerReference, low.recipient.attention) == (Decimal("10.5"), "PO 1", "Eva")
        assert [(one.name, one.role) for one in low.contact] == [("Bo", ["invoice", "technical"])]
        assert [(one.name, one.value) for one in low.field] == [("crm", "7")]
        changed = service.ChangeCustomer(
            customerNumber=low.number, version=1, change={"recipient": zeep.xsd.Nil, "buyerReference": "PO 2"}
        )
        assert (changed.recipient, changed.buyerReference, len(changed.contact)) == (None, "PO 2", 1)
        written = service.SetFields(
            aggregate="customer", of=low.number, version=2, field=[{"name": "crm", "value": "8"}]
        )
        assert (written.version, written.field[0].value) == (3, "8")
        assert service.FindByField(aggregate="customer", name="crm", value="8").name == [low.number]
        assert code(service.SetFields, aggregate="service", of="nothing", version=1) == "not_found"
        assert [one.number for one in service.SearchCustomers(text="lo").customer] == [low.number]
        other = make(service, "Other")
        moved = service.MoveCustomer(
            customerNumber=low.number,
            version=3,
            validFrom=date(2026, 3, 1),
            move={"parentNumber": other.number, "billedThroughNumber": other.number},
        )
        assert moved.version == 4
        places = service.GetCustomerPlaces(customerNumber=low.number)
        assert [(one.validFrom, one.parentNumber, one.billedThroughNumber) for one in places.place] == [
            (None, top.number, top.number),
            (date(2026, 3, 1), other.number, other.number),
        ]
        planned = service.MoveCustomer(
            customerNumber=low.number,
            version=4,
            validFrom=date(2030, 1, 1),
            move={"parentNumber": zeep.xsd.Nil, "billedThroughNumber": zeep.xsd.Nil},
        )
        back = service.CancelMove(customerNumber=low.number, version=planned.version, validFrom=date(2030, 1, 1))
        assert len(service.GetCustomerPlaces(customerNumber=low.number).place) == 2
        assert service.NoteCustomer(customerNumber=low.number, text="Hej").author == "operator"
        assert [one.text for one in service.ListCustomerNotes(customerNumber=low.number).note] == ["Hej"]
        kept = service.MergeCustomers(
            survivorNumber=top.number, survivorVersion=1, doubleNumber=low.number, doubleVersion=back.version
        )
        assert kept.number == top.number
        assert service.GetCustomerPlaces(customerNumber=low.number).mergedIntoNumber == top.number
        assert service.GetCustomer(customerNumber=low.number).closedAt is not None
        export = service.ExportPerson(customerNumber=top.number)
        with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
            assert "customer.json" in archive.namelist()
        assert code(service.ErasePerson, customerNumber=top.number, version=kept.version) == "wrong_state"
        person = service.CreateCustomer(customer={"kind": "person", "name": "Anna", "address": ADDRESS})
        done = service.ErasePerson(customerNumber=person.number, version=1)
        assert (done.events, done.notes, len(done.kept)) == (0, 0, 0)
        assert service.GetCustomer(customerNumber=person.number).name == "Erased 1"
        numbers["top"], numbers["other"] = top.number, other.number

    def stranger(service: Any) -> None:
        assert service.SearchCustomers(text="top").count == 0
        top = {"customerNumber": numbers["top"]}
        for attempt, more in (
            (service.GetCustomerPlaces, {}),
            (service.MoveCustomer, {"version": 1, "validFrom": date(2026, 3, 1), "move": {}}),
            (service.CancelMove, {"version": 1, "validFrom": date(2026, 3, 1)}),
            (service.NoteCustomer, {"text": "x"}),
            (service.ListCustomerNotes, {}),
            (service.ExportPerson, {}),
            (service.ErasePerson, {"version": 1}),
        ):
            assert code(attempt, **top, **more) == "not_found"
        assert code(service.SetFields, aggregate="customer", of=numbers["top"], version=1) == "not_found"
        merge = {"survivorVersion": 1, "doubleVersion": 1}
        named = {"survivorNumber": numbers["top"], "doubleNumber": numbers["other"]}
        assert code(service.MergeCustomers, **merge, **named) == "not_found"

    def reseller(service: Any) -> None:
        stranger(service)
        assert code(service.DefineField, aggregate="customer", name="x", kind="text") == "not_allowed"
        assert [one.name for one in service.ListOwnFields()] == ["crm"]

    await _soap(live, "operator", port, operator)
    await _soap(live, "reseller", port, reseller)
    await _soap(live, "other", port, stranger)
