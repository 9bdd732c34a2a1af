"""Looking after people: over GraphQL, SOAP and the command line, by the operator and by resellers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from lxml import etree

from api.graphql.ids import global_id
from domain.access.actor import Action, system
from domain.access.session import UserSession
from domain.ids import OperatorId, SessionId, UserId
from persistence.engine import OWNER
from tests.api.conftest import House, add_client
from tests.signing_in.people import level, make_portal, person

USER = "... on User { id email name language levelName reseller { code } state secondFactor version }"
REFUSED = "... on Refusal { code message field }"


async def call(house: House, client: str, query: str, **variables: Any) -> Any:
    answer = await house.call(client, "POST", "/graphql", json={"query": query, "variables": variables})
    body = answer.json()
    assert "errors" not in body, body
    (value,) = body["data"].values()
    return value


async def invite(house: House, client: str, email: str, of: str, **more: Any) -> Any:
    asked = {"email": email, "name": "Anna Berg", "level": global_id("UserLevel", await level(house, of))} | more
    query = f"mutation($i: InviteUserInput!) {{ inviteUser(input: $i) {{ {USER} {REFUSED} }} }}"
    return await call(house, client, query, i=asked)


async def one(house: House, client: str, name: str, user: Any) -> Any:
    query = f"mutation($u: ID!, $v: Int!) {{ {name}(user: $u, version: $v) {{ {USER} {REFUSED} }} }}"
    return await call(house, client, query, u=user["id"], v=user["version"])


async def test_somebody_is_invited_changed_shut_out_and_erased(house: House) -> None:
    made = await invite(house, "operator", "Anna@north.example", "support", idempotencyKey="k1")
    assert (made["state"], made["language"], made["levelName"], made["reseller"]) == ("INVITED", "sv", "Support", None)
    again = await invite(house, "operator", "Anna@north.example", "support", idempotencyKey="k1")
    assert again["id"] == made["id"]
    assert (await invite(house, "operator", "anna@NORTH.example", "support"))["code"] == "CONFLICT"
    for wrong in ("anna", "a@b@c", "a b@c.se", "a@b.se\nBcc: x@y.se", "a@b.se, x@y.se", "å@b.se"):
        assert (await invite(house, "operator", wrong, "support"))["code"] == "BAD_VALUE", wrong
    change = f"mutation($i: ChangeUserInput!) {{ changeUser(input: $i) {{ {USER} {REFUSED} }} }}"
    asked = {"user": made["id"], "version": 1, "name": "Anna B.", "language": "fi"}
    changed = await call(house, "operator", change, i=asked)
    assert (changed["name"], changed["language"], changed["version"]) == ("Anna B.", "fi", 2)
    assert (await call(house, "operator", change, i=asked))["code"] == "STALE"
    assert (await call(house, "operator", change, i=asked | {"version": 2, "language": "fr"}))["code"] == "BAD_VALUE"
    out = await one(house, "operator", "disableUser", changed)
    assert out["state"] == "DISABLED"
    assert (await one(house, "operator", "disableUser", out))["code"] == "WRONG_STATE"
    back = await one(house, "operator", "enableUser", out)
    assert back["state"] == "INVITED"  # he never had a password
    async with house.wiring.begin(system(OperatorId(1))) as unit:
        await unit.sign_ins.add(
            UserSession(
                id=SessionId(0),
                operator=OperatorId(1),
                user=UserId(1),
                reseller=None,
                sid="a session of before",
                client_id="operator",
                factor="password",
                scopes=(),
                address="198.51.100.7",
                created_at=house.clock.at,
                renewed_at=house.clock.at,
                ends_at=house.clock.at + timedelta(hours=1),
            )
        )
    gone = await one(house, "operator", "eraseUser", back)
    assert (gone["name"], gone["state"]) == ("-", "DISABLED")
    assert (await one(house, "operator", "eraseUser", gone))["code"] == "WRONG_STATE"
    listed = await call(house, "operator", "{ users { edges { node { email } } } }")
    assert listed["edges"] == []
    assert (await invite(house, "operator", "anna@north.example", "support"))["state"] == "INVITED"
    async with house.database.transaction(role=OWNER) as unit:
        everything = await unit.connection.fetchval(
            "select string_agg(t, ' ') from (select to_jsonb(a)::text as t from audit a where target = 'user:1'"
            " union all select to_jsonb(o)::text from outbox o where subject = 'user:1') lines"
        )
        assert "north.example" not in everything.lower()
        assert "Anna" not in everything
        places = await unit.connection.fetchval("select count(*) from user_session where address is not null")
        assert places == 0
        told = await unit.connection.fetch("select kind from outbox where subject = $1 order by id", "user:1")
    assert [row["kind"] for row in told] == [
        "user.invited", "user.changed", "user.disabled", "user.enabled", "user.erased",
    ]  # fmt: skip


async def test_four_callers_see_their_own(house: House) -> None:
    await add_client(house.database, "reader", 1, scopes={Action.READ_CUSTOMERS})
    emails = {}
    levels = {"operator": "support", "reseller": "reseller_support", "sibling": "reseller_support", "other": "support"}
    for client, of in levels.items():
        key = await level(house, of, 2 if client == "other" else 1)
        query = f"mutation($i: InviteUserInput!) {{ inviteUser(input: $i) {{ {USER} {REFUSED} }} }}"
        value = {"email": f"{client}@x.example", "name": client, "level": global_id("UserLevel", key)}
        emails[client] = await call(house, client, query, i=value)
        assert emails[client].get("state") == "INVITED", emails[client]
    assert emails["reseller"]["reseller"]["code"] == "east"
    seen = {}
    for client in emails:
        page = await call(house, client, "{ users { edges { node { name } } } }")
        seen[client] = [edge["node"]["name"] for edge in page["edges"]]
    assert seen == {
        "operator": ["operator", "reseller", "sibling"],
        "reseller": ["reseller"],
        "sibling": ["sibling"],
        "other": ["other"],
    }
    for client in emails:
        for name, user in emails.items():
            body = {"query": "query($u: ID!) { user(id: $u) { name } }", "variables": {"u": user["id"]}}
            asked = await house.call(client, "POST", "/graphql", json=body)
            if name in seen[client]:
                assert asked.json()["data"]["user"]["name"] == name
                continue
            assert asked.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
            for mutation in ("disableUser", "enableUser", "resetSecondFactor", "eraseUser"):
                assert (await one(house, client, mutation, user))["code"] == "NOT_FOUND", (client, name, mutation)
    for query in ("{ users { edges { node { name } } } }", "{ myself { user { name } } }"):
        answer = await house.call("reader", "POST", "/graphql", json={"query": query})
        assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    assert (await invite(house, "reader", "z@x.example", "support"))["code"] == "NOT_ALLOWED"


async def test_nobody_gives_more_than_he_has_nor_takes_over_who_has_more(house: House) -> None:
    scopes = {Action.MANAGE_USERS, Action.READ_USERS, Action.READ_CUSTOMERS}
    await add_client(house.database, "clerk", 1, scopes=scopes)
    assert (await invite(house, "clerk", "x@x.example", "administrator"))["code"] == "NOT_ALLOWED"
    admin = await person(house, "admin@north.example", of="administrator")
    user = {"id": global_id("User", admin.id), "version": admin.version}
    change = f"mutation($i: ChangeUserInput!) {{ changeUser(input: $i) {{ {USER} {REFUSED} }} }}"
    asked = {"user": user["id"], "version": user["version"], "email": "me@x.example"}
    taken = await call(house, "clerk", change, i=asked)
    assert taken["code"] == "NOT_ALLOWED"
    for name in ("disableUser", "resetSecondFactor", "eraseUser"):
        assert (await one(house, "clerk", name, user))["code"] == "NOT_ALLOWED", name
    # A reseller's administrator gives his own people what is a reseller's, and nobody above him anything.
    assert (await invite(house, "reseller", "r@x.example", "administrator")).get("code") in {"NOT_FOUND", "NOT_ALLOWED"}
    mine = await invite(house, "reseller", "r@x.example", "reseller_administrator")
    assert mine["reseller"]["code"] == "east"
    below = await invite(house, "reseller", "b@x.example", "reseller_support", reseller=global_id("Reseller", 3))
    assert below["reseller"]["code"] == "below"
    beside = await invite(house, "reseller", "s@x.example", "reseller_support", reseller=global_id("Reseller", 2))
    assert beside["code"] == "NOT_FOUND"
    # The operator's own people are not of a reseller's level.
    assert (await invite(house, "operator", "o@x.example", "reseller_support"))["code"] == "BAD_VALUE"


async def test_nobody_shuts_himself_out_or_changes_his_own_level(house: House) -> None:
    portal = await make_portal(house)
    support = await level(house, "support")
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("update user_level set requires_second_factor = false")
    boss = await person(house, "boss@north.example", of="administrator")
    token = await portal.session("boss@north.example")
    user, version = global_id("User", boss.id), boss.version
    for name in ("disableUser", "resetSecondFactor", "eraseUser"):
        query = f"mutation {{ {name}(user: {json.dumps(user)}, version: {version}) {{ {USER} {REFUSED} }} }}"
        assert (await portal.ask(query, token=token))["code"] == "NOT_ALLOWED"
    change = {"user": user, "version": version, "level": global_id("UserLevel", support)}
    assert (await portal.mutate("changeUser", "ChangeUserInput", change, USER, token=token))["code"] == "NOT_ALLOWED"
    wanted = "... on Myself { user { name language } }"
    asked = {"version": version, "name": "Boss", "language": "da"}
    late = asked | {"version": version + 1}
    stale = await portal.mutate("changeMyself", "ChangeMyselfInput", late, wanted, token=token)
    assert stale["code"] == "STALE"
    named = await portal.mutate("changeMyself", "ChangeMyselfInput", asked, wanted, token=token)
    assert named["user"] == {"name": "Boss", "language": "da"}


async def test_over_soap(house: House) -> None:
    async def ask(client: str, name: str, inner: str) -> etree._Element:
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tollwright:billing:1">'
            f"<e:Body><t:{name}>{inner}</t:{name}></e:Body></e:Envelope>"
        )
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        answer = await house.call(client, "POST", "/soap", content=body, headers=headers)
        return etree.fromstring(answer.content)

    def texts(tree: etree._Element, name: str) -> list[str | None]:
        return [found.text for found in tree.iter() if etree.QName(found).localname == name]

    support = await level(house, "reseller_support")
    new = f"<t:user><t:email>r@x.example</t:email><t:name>Åsa</t:name><t:level>{support}</t:level></t:user>"
    made = await ask("reseller", "InviteUser", new)
    assert texts(made, "email") == ["r@x.example"], etree.tostring(made)
    assert texts(made, "reseller") == ["east"]
    (key,) = texts(made, "id")
    assert texts(await ask("operator", "ListUsers", "<t:text>R@x</t:text>"), "email") == ["r@x.example"]
    assert texts(await ask("sibling", "ListUsers", ""), "count") == ["0"]
    assert "not_found" in str(texts(await ask("sibling", "GetUser", f"<t:user>{key}</t:user>"), "faultcode"))
    change = f"<t:change><t:user>{key}</t:user><t:version>1</t:version><t:name>Åsa Öberg</t:name></t:change>"
    changed = await ask("reseller", "ChangeUser", change)
    assert (texts(changed, "name"), texts(changed, "version")) == (["Åsa Öberg"], ["2"])
    out = await ask("operator", "DisableUser", f"<t:user>{key}</t:user><t:version>2</t:version>")
    assert texts(out, "state") == ["disabled"]
