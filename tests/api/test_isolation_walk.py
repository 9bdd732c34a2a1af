"""Every argument that takes an id, of every field and mutation there is, with everybody's thing of its kind.

Made of the schema: each argument is found there, what kind it takes is found by asking as the operator, and each caller
then asks with the own, the sibling's, the parent's, the child's and the other operator's. What is not his to see is
answered exactly as what is not there. An argument that nothing fits fails until ``tests/api/holdings.py`` has a thing
for it, or it is said below where else it is proved.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)
from graphql.pyutils import Undefined

from api.graphql.ids import global_id, read_id
from domain.refusal import Refusal
from persistence.engine import APP
from tests.api.conftest import House
from tests.api.holdings import (
    ABSENT,
    LATER,
    OWNERS,
    PLACE,
    REACH,
    Holdings,
    absent,
    make_holdings,
    plainly,
    traces,
)
from tests.api.test_idempotency import schema
from tests.api.walking import SCALARS, fields_of, selection

VERSIONS: Final = 9  # how often something is asked again with the version that it has
CALLERS: Final = ("operator", "reseller", "below", "sibling", "other")
# Of one operator as a whole: a reseller may see them, or may see none, but never another operator's.
SHARED: Final = {"Service", "PriceList", "Operator"}
# What the operator alone reads: to a reseller each is as nobody's, or not allowed.
OPERATORS: Final = {"Alarm", "File", "Job", "Suspended", "NumberSeries", "Source"}
# The kind that an argument takes, where its name does not say it; the others are tried when this is none.
NAMED: Final = {
    **dict.fromkeys(("giver", "taker", "source", "target"), "Subscription"),
    **dict.fromkeys(("survivor", "double", "parent", "billedThrough"), "Customer"),
    **dict.fromkeys(("quote",), "ContractQuote"),
    **dict.fromkeys(("change",), "ContractChange"),
    **dict.fromkeys(("series", "serie"), "NumberSeries"),
    **dict.fromkeys(("creditNote",), "Invoice"),
    **dict.fromkeys(("payment",), "PaymentRecord"),
    **dict.fromkeys(("provider",), "IdentityProvider"),
    **dict.fromkeys(("bundle",), "Service"),
    **dict.fromkeys(("reservation",), "NumberReservation"),
    **dict.fromkeys(("needs", "excludes", "gone"), "Service"),
    **dict.fromkeys(("event",), "Usage"),
    **dict.fromkeys(("chargedTo",), "Contract"),
    **dict.fromkeys(("level", "copyOf"), "UserLevel"),
}
ROOT: Final = FilePath(__file__).parents[2]
Path = tuple[str, ...]
DEEPER: Final = {"runBills", "sendDocuments", "makePrintBatch", "releaseSuspense", "discardSuspense"}
ADVICE: Final = (
    "make a thing of the kind that the argument takes in tests/api/holdings.py, say what else must be given in"
    " *_ARGUMENTS, or say in *_ELSEWHERE which test asks for it as another"
)


def taking_ids(root: str) -> Iterator[tuple[str, Path]]:
    """Yield each field of a root type with the path of each ID among its arguments, inputs looked into."""
    for name, field in fields_of(schema(), root).items():
        for argument, given in field.args.items():
            for path in _below(given.type, 0):
                yield name, (argument, *path)


def _below(kind: Any, depth: int) -> Iterator[Path]:
    named = get_named_type(kind)
    if named.name == "ID":
        yield ()
    elif isinstance(named, GraphQLInputObjectType) and depth < 4:
        for name, part in named.fields.items():
            for path in _below(part.type, depth + 1):
                yield (name, *path)


def call(root: str, name: str, path: Path, mine: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Return a call with the variable at a path, whatever else must be there, and other ids of the caller's own."""
    field = fields_of(schema(), root)[name]
    parts = [
        f"{each}: {_text(one.type, each, path[1:] if each == path[0] else None, mine, given)}"
        for each, one in field.args.items()
        if each == path[0] or _needed(one) or each in given
    ]
    # A page is told apart by what is in it, anything else by what it is itself, or holds.
    depth = 3 if get_named_type(field.type).name.endswith("Connection") else 1 + (name in DEEPER)
    return f"{name}({', '.join(parts)}) {selection(field.type, depth)}"


def _needed(one: Any) -> bool:
    return isinstance(one.type, GraphQLNonNull) and one.default_value is Undefined


def _text(kind: Any, name: str, rest: Path | None, mine: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Return what stands at an argument; ``rest``: where below it the id stands, None: it does not."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        if rest is None and given.get(name, "").startswith("["):
            return given[name]
        return f"[{_text(kind.of_type, name, rest, mine, given)}]"
    if rest == ():
        return "$id"
    if rest is None and name in given and not (isinstance(kind, GraphQLEnumType) and '"' in given[name]):
        return given[name]
    if isinstance(kind, GraphQLInputObjectType):
        parts = [
            f"{each}: {_text(part.type, each, rest[1:] if rest and each == rest[0] else None, mine, given)}"
            for each, part in kind.fields.items()
            if (rest and each == rest[0]) or _needed(part) or each in given
        ]
        return "{" + ", ".join(parts) + "}"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if kind.name == "ID":
        return json.dumps(mine.get(_kind_of(name), mine["Customer"]))
    if kind.name in {"Date", "DateTime"} and name.lower().endswith(("until", "to", "end", "at", "on")):
        return json.dumps(LATER if kind.name == "DateTime" else LATER[:10])
    return json.dumps(SCALARS[kind.name])


def likely(path: Path, kinds: Iterable[str]) -> list[str]:
    """Return the kinds of things, likely ones first."""
    name = next((one for one in reversed(path) if one not in {"id", "ids"}), path[0])
    return sorted(kinds, key=lambda kind: (kind != _kind_of(name), kind))


def _kind_of(name: str) -> str:
    """Return the kind that an argument is named after."""
    return NAMED.get(name, name[:1].upper() + name[1:].removesuffix("s"))


@pytest.fixture
async def holdings(house: House) -> Holdings:
    return await make_holdings(house)


async def asked(house: House, client: str, word: str, text: str, value: str) -> str:
    """Return what is answered."""
    body = {"query": f"{word}($id: ID!) {{ a: {text} }}", "variables": {"id": value}}
    answer = await house.call(client, "POST", "/graphql", json=body)
    assert answer.status_code == 200, (text, answer.text)
    assert "INTERNAL" not in answer.text, (text, answer.text)
    return answer.text


def _missed(answer: Any, path: Path) -> str | None:
    """Return which kind of thing an answer says is not there, where it speaks of the argument."""
    told = [{"message": one["message"], **one.get("extensions", {})} for one in answer.get("errors", [])]
    refusal = (answer.get("data") or {}).get("a")
    if isinstance(refusal, dict):
        told.append(refusal)
    for one in told:
        said = re.fullmatch(r"there is no (\w+) with this id", one.get("message") or "")
        if said and set((one.get("field") or "").split(".")) & set(path):
            return said[1]
    return None


def visible(caller: str, owner: str, kind: str) -> bool:
    """Tell whether a caller sees an owner's thing of a kind."""
    if kind in OPERATORS:
        return caller == owner
    if kind in SHARED:
        return (caller == "other") == (owner == "other")
    return owner in REACH[caller]


class Walk:
    """One walk over the arguments of a root type."""

    def __init__(self, house: House, holdings: Holdings, root: str, given: Mapping[str, Mapping[str, str]]) -> None:
        self.house, self.holdings, self.root, self.given = house, holdings, root, given
        self.word = "mutation" if root == "Mutation" else "query"
        self.counter = itertools.count(1000)  # for what may be only once
        self.found: dict[tuple[str, Path], list[str]] = {}

    async def ask(self, client: str, name: str, path: Path, value: str) -> str:
        mine = {kind: self.holdings.seen(client, kind) for kind in self.holdings.named(client)}
        answer = ""
        version = "1"
        for _ in range(VERSIONS):
            told = {**self.told(name, path)}
            if "version" in told:
                told["version"] = version
            text = call(self.root, name, path, mine, told).replace("UNIQUE", str(next(self.counter)))
            text = re.sub(r"MINE\.(\w+)", lambda each: json.dumps(mine.get(each[1], "")), text)
            answer = await asked(self.house, client, self.word, text, value)
            if '"STALE"' not in answer:
                break
            said = re.search(r"at version (\d+)", answer)
            version = said[1] if said else str(int(version) + 1)
        return answer

    def told(self, name: str, path: Path) -> Mapping[str, str]:
        """Return what else is said: everywhere, in one mutation, beside one argument; an empty text takes it back."""
        more = self.given.get(f"{name}.{path[-1]}", {}) | self.given.get(f"{name}.{'.'.join(path)}", {})
        said = {**self.given.get("*", {}), **self.given.get(name, {}), **more}
        return {name: value for name, value in said.items() if value}

    async def fits(self, name: str, path: Path, kind: str) -> bool:
        """Tell whether the operator's own thing of a kind is answered otherwise than one that is not there."""
        none = await self.ask("operator", name, path, absent(kind))
        return unnamed(await self.ask("operator", name, path, self.holdings.seen("operator", kind))) != unnamed(none)

    async def candidates(self, name: str, path: Path) -> list[str]:
        """Return the kinds that an argument may take: that which is missed where a thing of no kind is given, or all.

        None, where it takes a kind of which nothing was made.
        """
        if (name, path) not in self.found:
            kinds = self.holdings.kinds("operator")
            said = await self.ask("operator", name, path, global_id("Nothing", ABSENT))
            missed = _missed(json.loads(said), path)
            self.found[name, path] = likely(path, kinds) if missed is None else [missed] if missed in kinds else []
        return self.found[name, path]

    async def kind(self, name: str, path: Path) -> str | None:
        """Return the kind that an argument takes."""
        for kind in await self.candidates(name, path):
            if await self.fits(name, path, kind):
                return kind
        return None


# What must be said for an argument to be looked at; by its name, or within one field or mutation.
QUERY_ARGUMENTS: Final = {name: {"number": '"46701740605"'} for name in ("priceCall", "explainCall", "authorizeCall")}
# Where the things of other kinds are proved, of which making one takes a room's own tests.
QUERIES_ELSEWHERE: Final[dict[str, str]] = {
    "payments.customer": "tests/api/test_payments.py",
    "approval.id": "tests/access/test_approvals.py",
    "simulation.id": "tests/rerating/test_simulate.py",
    "suspenseHistory.id": "tests/api/test_mediation.py",
    "users.level": "tests/signing_in/test_users.py",
    "whyRefused.user": "tests/access/test_why_refused.py",
}


# Lists of what hangs on a customer, where not everybody has one of it.
LISTED: Final = {
    "charges.customer": "CustomerCharge",
    "collectionSteps.customer": "TakenStep",
    "debitOrders.invoice": "DebitOrder",
    "dispatches.customer": "Dispatch",
    "fraudSuspicions.customer": "FraudSuspicion",
    "instalmentPlans.customer": "InstalmentPlan",
    "mandates.customer": "Mandate",
    "refunds.customer": "Refund",
    "settlements.customer": "Settlement",
    "userSessions.user": "UserSession",
}
# What a thing of the whole operator's has of one's own: to a reseller his invoices of a run.
OF_ALL: Final = {"invoices.billRun"}


async def test_every_id_of_a_query(house: House, holdings: Holdings) -> None:
    walk = Walk(house, holdings, "Query", QUERY_ARGUMENTS)
    unproved, wrong = set(), []
    for name, path in taking_ids("Query"):
        kind = await walk.kind(name, path)
        if kind is None:
            unproved.add(f"{name}.{path[-1]}")
            continue
        for caller in CALLERS:
            nobodys = plainly(await walk.ask(caller, name, path, absent(kind)))
            for owner in OWNERS:
                if kind not in holdings.ids[owner]:
                    continue
                answer = await walk.ask(caller, name, path, holdings.ids[owner][kind])
                found = plainly(answer) != nobodys
                there = visible(caller, owner, kind) or (f"{name}.{path[-1]}" in OF_ALL and caller != "other" != owner)
                there = there and LISTED.get(f"{name}.{path[-1]}", kind) in holdings.ids[owner]
                if found != (there and "NOT_ALLOWED" not in nobodys):
                    wrong.append((f"{name}.{'.'.join(path)}", kind, caller, owner, found, answer[:200]))
                if owner not in REACH[caller]:
                    assert not {mark for mark in traces(holdings, owner) if mark in answer}, (name, caller, owner)
    assert not wrong
    assert unproved == set(QUERIES_ELSEWHERE), (sorted(unproved ^ set(QUERIES_ELSEWHERE)), ADVICE)


# A mutation's other values, so that it gets as far as to look for the thing.
MUTATION_ARGUMENTS: Final[dict[str, dict[str, str]]] = {
    "*": {
        "version": "1", "reason": '"x"', "number": '"46850000009"', "language": '"sv"', "text": '"x"',
        "name": '"x UNIQUE"', "percent": '"1"', "url": '"https://erp.example/hook"', "email": '"uUNIQUE@a.example"',
    },
    **{name: {"number": ""} for name in ("createContract", "createQuote", "createCustomer", "takeOverContract")},
    "changeContract": {"percent": "", "name": ""},
    "changeCustomer": {"number": "", "email": ""},
    "changeResellerTerms": {"version": "", "validFrom": '"2026-12-01T00:00:00Z"'},
    "changeSeries": {"kind": "INVOICE", "prefix": '"P"', "expected": '"100001"'},
    "createApiKey": {"scopes": '["customers:read"]'},
    "createClient": {"scopes": '["customers:read"]'},
    "createLevel": {"permissions": '["customers:read"]'},
    "createLevel.copyOf": {"permissions": ""},
    "createNumberSeries": {"kind": "FIXED", "firstNumber": '"+4687UNIQUE0"', "lastNumber": '"+4687UNIQUE9"'},
    "createCustomer.billedThrough": {"parent": "MINE.Customer"},
    "changeCustomer.billedThrough": {"customer": "MINE.Under"},
    "moveCustomer.billedThrough": {"customer": "MINE.Under", "parent": "MINE.Customer"},
    "changeContract.input.discounts.service": {"percent": '"1"'},
    "stepContract": {"state": "SUSPENDED"},
    "exchangeContractService.contract": {"new": "{service: MINE.Service}"},
    "moveContract.contract": {"site": PLACE},
    "createPriceList.reseller": {"currency": '"SEK"'},
    **{name: {"reason": "", "text": ""} for name in ("releaseSuspense", "discardSuspense")},
    "correctSuspense": {"reason": "", "text": ""},
    "correctSuspense.ids": {"raw": '"x"'},
    "correctSuspense.file": {"fields": '[{name: "b", value: "46850000001"}]'},
    "allocatePayment": {"amount": '"0.01"'},
    "allocatePayment.customer": {"payment": "MINE.Spare"},
    "allocatePayment.payment": {"parts": '[{invoice: MINE.Invoice, amount: "0.01"}]'},
    "takePrintReceipt": {"state": '"accepted"', "number": '"1000"'},
    "putBillSchedule": {"version": "", "schedule": '"0 3 * * *"'},
    "putAccountRule": {"version": "", "account": '"3001"'},
    "putAccountRule.rule": {"version": "1"},
    "fetchInvoices": {"consumer": '"erp"'},
    "holdCollection": {"kind": "STOP"},
    "addMandate": {"payerNumber": '"UNIQUE"'},
    "refundCredit": {"account": '"SE4550000000058398257466"', "name": '"x"'},
    "createIdentityProvider": {"name": '"idpUNIQUE"', "issuer": '"https://idp.example/UNIQUE"'},
    "changeIdentityProvider": {"name": ""},
    "changeResellerTerms.reseller": {"customer": "MINE.Customer"},
    "putSupplier": {
        "version": "", "organisationNumber": '"5567037485"', "address": PLACE, "agreedOn": '"2026-01-01"',
        "vatId": '"SE556703748501"',
    },
    "grantUnits.chargedTo": {"customer": "MINE.Customer"},
    "createPortal": {"scopes": '["customers:read"]', "redirectUris": '["https://portal.example/back"]', "url": ""},
    "moveCustomer": {"validFrom": '"2026-12-01"'},
    "priceContract": {"to": '"*"', "mode": '"voice"', "steps": '{price: "1", per: "60"}'},
    "putCommissionRule": {"version": ""},
    "putResellerServicePrice": {"version": ""},
    "reserveNumbers": {"count": "1"},
    "runBills": {"month": '"2026-03"', "dryRun": "true"},
}  # fmt: skip
MUTATIONS_ELSEWHERE: Final[dict[str, str]] = {
    **dict.fromkeys(("createContract.bundle", "changeContract.bundle"), "is not looked at: its bundle brings it anew"),
    "creditInvoice.dispute": "tests/api/test_crediting.py",
    "createContract.subscription": "a contract that is new has no lines: every one is refused alike",
    "exchangeContractService.subscription": "names a line that the contract holds: every other is refused alike",
    **dict.fromkeys(("sendDocuments.run", "sendDocuments.invoices"), "tests/api/test_deliveries.py"),
    "makePrintBatch.invoices": "tests/api/test_deliveries.py",
    "endSession.session": "ends one of who is signed in himself: tests/api/test_sessions.py",
    "runCollection.customers": "tests/api/test_collection.py",
    **dict.fromkeys(("createIdentityProvider.level", "createIdentityProvider.reseller"), "tests/api/test_elsewhere.py"),
    "grantUnits.chargedTo": "tests/buckets/test_plan_protocols.py",
    **dict.fromkeys(("decideApproval.approval", "withdrawApproval.approval"), "tests/access/test_approvals.py"),
    "removeFactor.key": "takes one of who is signed in himself, by his own key: tests/signing_in/test_factors.py",
}
# Nothing is left of what they take, so they are proved last.
LAST: Final = ("remove", "erase", "cancel", "decline", "merge", "end", "take", "revoke", "disable")
FOREIGN: Final = [
    ("reseller", "operator"),
    ("reseller", "sibling"),
    ("reseller", "other"),
    ("below", "reseller"),
    ("operator", "other"),
    ("other", "operator"),
    ("other", "reseller"),
]


def unnamed(text: str) -> str:
    """Return an answer without the keys of what was made by asking; of nothing is not the same as of one."""
    text = re.sub(r'(?<=")[A-Za-z0-9_-]{6,}(?=")', lambda each: _decoded(each[0]), text)
    return plainly(re.sub(r"(?<![\d.])0(?![\d.])", "none", text))


def _decoded(text: str) -> str:
    try:
        kind, key = read_id(text)
    except Refusal:
        return text
    return f"{kind} {key}"


async def test_every_id_of_a_mutation(house: House, holdings: Holdings) -> None:
    walk = Walk(house, holdings, "Mutation", MUTATION_ARGUMENTS)
    paths = sorted(taking_ids("Mutation"), key=lambda one: one[0].startswith(LAST))
    wrong = []
    for name, path in paths:
        kind = next(iter(await walk.candidates(name, path)), None)
        if kind is None:
            continue
        nobodys = {caller: unnamed(await walk.ask(caller, name, path, absent(kind))) for caller, _ in FOREIGN}
        for caller, owner in FOREIGN:
            if kind not in holdings.ids[owner] or visible(caller, owner, kind):
                continue
            answer = await walk.ask(caller, name, path, holdings.ids[owner][kind])
            if unnamed(answer) != nobodys[caller]:
                wrong.append((f"{name}.{'.'.join(path)}", kind, caller, owner, answer[:200], nobodys[caller][:200]))
    assert not wrong
    unproved = {f"{name}.{path[-1]}" for name, path in paths if await walk.kind(name, path) is None}
    assert unproved == set(MUTATIONS_ELSEWHERE), (sorted(unproved ^ set(MUTATIONS_ELSEWHERE)), ADVICE)


def test_what_is_proved_elsewhere_is_proved_there() -> None:
    named = {place for table in (QUERIES_ELSEWHERE, MUTATIONS_ELSEWHERE) for place in table.values()}
    assert {place for place in named if place.startswith("tests/") and not (ROOT / place).exists()} == set()


async def test_a11_of_all_there_is_nothing_is_seen_without_a_tenant_or_by_another(
    house: House, holdings: Holdings
) -> None:
    assert set(holdings.ids) == set(OWNERS)
    connection = await house.database.acquire()
    try:
        found = await connection.fetch(
            """select c.relname as name, exists (select from pg_attribute a where a.attrelid = c.oid
                                                    and a.attname = 'operator' and a.attnum > 0) as owned
                 from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relrowsecurity
                  and has_table_privilege('tollwright_app', c.oid, 'select') order by 1"""
        )
        filled = [row for row in found if await connection.fetchval(f"select exists (select from {row['name']})")]
        assert len(filled) > 40, "what was made fills most tables"
        async with connection.transaction():
            await connection.execute("set local role tollwright_app")
            for row in found:
                assert not await connection.fetchval(f"select exists (select from {row['name']})"), row["name"]
    finally:
        await house.database.release(connection)
    for operator in (1, 2):
        async with house.database.transaction(role=APP, operator=operator) as unit:
            for row in found:
                if row["owned"]:
                    others = f"select exists (select from {row['name']} where operator <> $1)"
                    assert not await unit.connection.fetchval(others, operator), (row["name"], operator)
