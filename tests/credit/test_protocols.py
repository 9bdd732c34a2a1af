"""Credit over GraphQL, SOAP, REST and the command line, by four callers and nobody; and text messages by a gateway."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import Any

import pytest

from api.graphql.ids import global_id, read_id
from domain.ports.texts import Text, TextFault
from integrations.texts.gateway import Gateway, GatewayTexter, NoTexter
from integrations.transports.http import CheckedHttp
from tests.api.conftest import House, live
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_isolation import ABSENT
from tests.api.test_soap import _soap
from tests.api.test_soap_margins import code

__all__ = ["live"]

REFUSED = "... on Refusal { code field message }"
LIMIT = f"{{ __typename ... on CreditLimit {{ id amount kind bars version }} {REFUSED} }}"
RESERVED = f"{{ __typename ... on Reservation {{ id state granted amount version }} {REFUSED} }}"


async def mutate(house: House, client: str, text: str) -> Any:
    return (await gql(house, client, f"mutation {{ a: {text} }}"))["a"]


def limit_of(month: Month, owner: str, amount: str) -> str:
    return f'setCreditLimit(input: {{customer: "{month.owned[owner].customer["id"]}", amount: "{amount}"}}) {LIMIT}'


async def test_each_limits_his_own_and_sees_no_others(live: House) -> None:
    month = await make_month(live)
    for client in ("operator", "reseller", "other"):
        done = await mutate(live, client, limit_of(month, client, "100000"))
        assert done["__typename"] == "CreditLimit", done
    customer = month.owned["operator"].customer["id"]
    query = f'{{ exposures(customer: "{customer}") {{ owed currency watched kinds {{ kind used amount left }} }} }}'
    (seen,) = (await gql(live, "operator", query))["exposures"]
    assert seen["watched"]
    assert Decimal(seen["owed"]) == Decimal(seen["kinds"][0]["used"]) > 0
    for client in ("sibling", "other"):
        for owner in ("operator", "reseller"):
            done = await mutate(live, client, limit_of(month, owner, "1"))
            assert done["code"] == "NOT_FOUND", (client, owner, done)
            done = await mutate(
                live, client, limit_of(month, owner, "1").replace(customer, global_id("Customer", ABSENT))
            )
            assert done["code"] == "NOT_FOUND"
    assert (await gql(live, "sibling", "{ creditLimits { edges { node { id } } } }"))["creditLimits"]["edges"] == []
    everybody = await mutate(live, "reseller", f'setCreditLimit(input: {{amount: "1"}}) {LIMIT}')
    assert everybody["code"] == "NOT_ALLOWED"
    nobody = await live.http.post("/graphql", json={"query": query})
    assert nobody.status_code == 401


async def test_a_call_from_authorising_to_its_end_over_graphql_and_rest(live: House) -> None:
    month = await make_month(live)
    line, number = month.owned["reseller"].subscription, month.owned["reseller"].number
    await mutate(live, "reseller", limit_of(month, "reseller", "100000"))
    asked = f'authorizeCall(input: {{subscription: "{line}", number: "46850000000", units: 60}})'
    told = (await gql(live, "reseller", f"{{ a: {asked} {{ units amount currency reason }} }}"))["a"]
    assert (told["units"], told["reason"]) == ("60", None)
    use = {"calling": number, "number": "46850000000", "units": 60}
    over_rest = await live.call("reseller", "POST", "/rest/v1/authorize", json=use)
    assert (over_rest.status_code, over_rest.json()["amount"]) == (200, told["amount"])
    made = await live.call(
        "reseller", "POST", "/rest/v1/reservations", json={**use, "reference": "c1"}, headers={"Idempotency-Key": "k1"}
    )
    assert made.status_code == 201, made.text
    again = await live.call(
        "reseller", "POST", "/rest/v1/reservations", json={**use, "reference": "c1"}, headers={"Idempotency-Key": "k1"}
    )
    assert again.json() == made.json()
    key = made.json()["id"]
    for client in ("sibling", "other"):
        for step, body in (("extend", {"units": 1}), ("commit", {"used": 1}), ("release", None)):
            options = {} if body is None else {"json": body}
            answer = await live.call(client, "POST", f"/rest/v1/reservations/{key}/{step}", **options)
            assert answer.status_code == 404, (client, step, answer.text)
        assert (await live.call(client, "GET", f"/rest/v1/reservations/{key}")).status_code == 404
        assert (await live.call(client, "POST", "/rest/v1/authorize", json=use)).status_code == 404
    more = await live.call("reseller", "POST", f"/rest/v1/reservations/{key}/extend", json={"units": 60})
    assert more.json()["granted"] == 120
    reservation = global_id("Reservation", key)
    text = f'commitReservation(input: {{reservation: "{reservation}", used: 30}}) {RESERVED}'
    done = await mutate(live, "reseller", text)
    assert (done["state"], Decimal(done["amount"]) > 0) == ("COMMITTED", True)
    late = await live.call("reseller", "POST", f"/rest/v1/reservations/{key}/extend", json={"units": 60})
    assert late.status_code == 409, late.text
    wrong = await live.call("reseller", "POST", "/rest/v1/authorize", json={**use, "at": "2020-01-01T00:00:00Z"})
    assert wrong.status_code == 422
    assert (await live.http.post("/rest/v1/authorize", json=use)).status_code == 401


async def test_the_same_over_soap(live: House) -> None:
    month = await make_month(live)
    customer = int(read_id(month.owned["operator"].customer["id"])[1])
    line = int(read_id(month.owned["operator"].subscription)[1])

    def operator(service: Any) -> int:
        limit = service.SetCreditLimit(limit={"amount": Decimal(100000), "customer": customer}, idempotencyKey="k1")
        assert (limit.amount, limit.bar, limit.version) == (Decimal("100000.00"), ["outgoing", "data"], 1)
        assert service.ListCreditLimits(customer=customer).count == 1
        exposures = service.GetExposures(customer=customer)
        assert exposures[0].owed > 0
        before = service.AuthorizeCall(use={"subscription": line, "number": "46850000000", "units": 60})
        assert before.units == 60
        kept = service.ReserveCall(use={"subscription": line, "number": "46850000000", "units": 60})
        assert service.ExtendReservation(id=kept.id, units=60).granted == 120
        assert service.ReleaseReservation(id=kept.id).state == "released"
        assert code(service.CommitReservation, id=kept.id, used=1) == "wrong_state"
        over = service.OverrideCredit(customer=customer, reason="trusted", amount=Decimal(5))
        assert service.EndCreditOverride(id=over.id).endedAt is not None
        assert service.TopUpCredit(customer=customer, amount=Decimal(10), reference="t1") is not None
        rule = {"name": "calls", "measure": "calls", "most": 100, "windowSeconds": 3600}
        put = service.PutFraudRule(rule=rule)
        assert [one.name for one in service.ListFraudRules()] == ["calls"]
        assert service.RemoveFraudRule(id=put.id, version=put.version).name == "calls"
        assert service.RemoveCreditLimit(id=limit.id, version=1).id == limit.id
        return int(kept.id)

    key = await _soap(live, "operator", "BillingSoap12", operator)

    def reseller(service: Any) -> None:
        assert code(service.GetExposures, customer=customer) == "not_found"
        assert code(service.SetCreditLimit, limit={"amount": 1, "customer": customer}) == "not_found"
        assert code(service.ReleaseReservation, id=key) == "not_found"
        assert code(service.AuthorizeCall, use={"subscription": line, "number": "46850000000"}) == "not_found"
        assert code(service.TopUpCredit, customer=customer, amount=1, reference="x") == "not_allowed"

    await _soap(live, "reseller", "BillingSoap12", reseller)


class _Gateway(BaseHTTPRequestHandler):
    came: list[tuple[str, dict[str, str], bytes]] = []  # noqa: RUF012  (of the one test)
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.came.append((self.path, dict(self.headers.items()), body))
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815  (the name that the server looks for)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


async def test_text_messages_go_to_a_gateway_by_its_template() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Gateway)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        http = CheckedHttp((ip_network("127.0.0.0/8"),))
        root = f"http://127.0.0.1:{server.server_port}"
        template = '{"to": "+{to}", "from": "{sender}", "text": "{text}"}'
        texter = GatewayTexter(http, Gateway(address=f"{root}/send", template=template, token="t", sender="Prov"))
        await texter.send(Text(to="46701234567", text='80 % of "all"', key="credit-1"))
        await GatewayTexter(http, Gateway(address=f"{root}/get?to={{to}}&text={{text}}")).send(
            Text(to="46", text="å b")
        )
        (path, headers, body), (asked, *_) = _Gateway.came
        sent = {name.lower(): value for name, value in headers.items()}
        assert (path, json.loads(body)["text"], json.loads(body)["to"]) == ("/send", '80 % of "all"', "+46701234567")
        assert (sent["authorization"], sent["idempotency-key"]) == ("Bearer t", "credit-1")
        assert asked == "/get?to=46&text=%C3%A5%20b"
        for status, lasting in ((503, False), (401, True)):
            _Gateway.status = status
            with pytest.raises(TextFault) as fault:
                await texter.send(Text(to="46", text="a"))
            assert fault.value.lasting is lasting
        with pytest.raises(TextFault, match="sms_url"):
            await NoTexter().send(Text(to="46", text="a"))
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
