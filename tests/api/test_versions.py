"""Two people who change the same thing: a version on everything that is changed, and the second is told."""

from __future__ import annotations

from typing import Any, Final

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from api.graphql.ids import global_id
from tests.api.conftest import House
from tests.api.month import make_month
from tests.api.test_graphql_parties import gql, new_customer
from tests.api.test_idempotency import schema
from tests.api.walking import fields_of

# Makes something new, or asks for something to be done, that nobody else can have changed.
MAKES: Final = ("create", "define", "request", "order", "note", "place", "reserve", "import", "add")
# Changes something, takes no version, and why nobody's change is overwritten by it.
WITHOUT: Final = {
    "registerDocument": "it is known by its content; the same again is the same",
    "forgetDocument": "it is known by its content",
    **dict.fromkeys(
        ("acknowledgeAlarm", "closeAlarm", "cancelContractChange", "cancelJob", "retryJob", "cancelReservation",
         "releasePayment", "withdrawGrant", "withdrawFile", "revokeClient", "takeBackNumber", "acknowledgeBasis"),
        "one step of a state, which is refused where it has been taken",
    ),
    **dict.fromkeys(
        ("blockNumbers", "freeNumbers", "classifyNumbers", "giveNumbers"),
        "many numbers at once, each held to its own state; nothing is composed of what was read",
    ),
    **dict.fromkeys(
        ("correctSuspense", "discardSuspense", "releaseSuspense", "sweepSessions", "replayDeliveries"),
        "takes what waits, and leaves what somebody else has taken meanwhile",
    ),
    **dict.fromkeys(
        ("allocatePayment", "giveUnits", "grantUnits", "transferNumber"),
        "moves an amount or a number that must still be there, under a lock",
    ),
    **dict.fromkeys(
        (
            *("runBills", "billCustomer", "billAgain", "abandonBillRun", "rerate", "takeBasis", "selfBill"),
            *("makeCommissionStatement", "syncCustomers", "pollFeed"),
        ),
        "works out anew, and changes nothing that was made",
    ),
    "creditSelfBilled": "takes back what must still be left, under a lock",
    "answerSelfBilled": "what the supplier said last holds; nothing is composed of what was read",
    **dict.fromkeys(
        ("login", "answerChallenge", "askSecurityKey", "enrolTotp", "confirmTotp", "enrolSecurityKey",
         "confirmSecurityKey", "resetPassword", "acceptInvitation", "changePassword", "removeFactor",
         "renewRecoveryCodes"),
        "one's own, proved by a password, a code or a link that is good once",
    ),
    **dict.fromkeys(
        ("creditInvoice", "reissueInvoice", "disputeInvoice"),
        "takes of what is left of an invoice, under a lock; the invoice itself never changes",
    ),
    **dict.fromkeys(
        ("extendReservation", "commitReservation", "releaseReservation", "endCreditOverride"),
        "one step of what is set aside for a call, under its customer's lock; refused where it is over",
    ),
    **dict.fromkeys(
        ("writeDebits", "writeRefunds", "applyCredit"), "takes what waits under a lock; what is on its way is left"
    ),
    **dict.fromkeys(
        ("decideDuplicate", "undoSettlement", "takeOrderFile"),
        "one step of a state, which is refused or nothing where it has been taken",
    ),
    **dict.fromkeys(
        ("offsetCredit", "writeOff", "refundCredit", "agreeInstalments"),
        "closes what must still be open, under a lock",
    ),
    **dict.fromkeys(
        ("runCollection", "handOverToCollection"), "works out anew under a lock, and takes no step twice"
    ),
    **dict.fromkeys(("holdCollection", "takeCollectionReceipt"), "makes a row of its own; the others stay"),
    "overrideCredit": "every one stays, and the last that holds counts",
    "topUpCredit": "books an amount once by its reference",
    "checkVatId": "asks a register, and keeps the answer with its time",
    **dict.fromkeys(("fetchInvoices", "acknowledgeInvoices"), "one step of a consumer's place"),
    **dict.fromkeys(
        ("sendDocuments", "makePrintBatch"), "takes what was not sent yet, and leaves what somebody else has taken"
    ),
    **dict.fromkeys(
        ("takeReceipts", "takePrintReceipt"), "a document goes forward only, and what ended stays as it is"
    ),
    "inviteUser": "makes somebody new",
    "inviteAgain": "sends a mail, and changes nothing that is read",
    **dict.fromkeys(
        ("endSession", "endUserSessions", "logout", "revokeApiKey", "rotateApiKey"),
        "one step of a state, which is refused or nothing where it has been taken",
    ),
    **dict.fromkeys(
        ("renewClientSecret", "setClientKeys"), "puts a proof in the place of whatever was there; nothing is composed"
    ),
    "signInElsewhere": "begins a sign-in",
    "putSource": "every profile stays as a version; rollBackSource goes back to one",
    "putLogo": "a picture is named by its content",
    "rotateWebhookSecret": "the secret before holds for a day",
    "testWebhook": "sends a test",
    "testFeed": "looks, and changes nothing",
    "exportPerson": "reads",
    "readRateSheet": "writes into a draft, whose version is looked at when it is published",
}  # fmt: skip


def versioned(field: Any) -> bool:
    names = set(field.args)
    for one in field.args.values():
        kind = get_named_type(one.type)
        if isinstance(kind, GraphQLInputObjectType):
            names |= set(kind.fields)
    return any(name in {"version", "expected"} or name.endswith("Version") for name in names)


def test_every_mutation_that_changes_something_takes_a_version_or_has_a_reason_not_to() -> None:
    found = {
        name
        for name, field in fields_of(schema(), "Mutation").items()
        if not versioned(field) and not name.startswith(MAKES)
    }
    assert found - set(WITHOUT) == set(), (
        "give the change a version argument (domain.ports.versions keeps one for what has no row of its own),"
        " or say in WITHOUT why nobody's change can be overwritten"
    )
    assert set(WITHOUT) - found == set(), "these take a version, or are gone"


async def _twice(house: House, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Do it twice with the same version, as two people do who have read the same."""
    asked = f"mutation {{ a: {text} {{ __typename ... on Refusal {{ code field }} }} }}"
    first = (await gql(house, "operator", asked))["a"]
    return first, (await gql(house, "operator", asked))["a"]


STALE: Final = {"__typename": "Stale", "code": "STALE", "field": "version"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("setGiftRules(input: {perMonth: 3, version: %d})", "{ giftRules { version } }"),
        ("setMarginRules(input: {lossMin: null, rateMaxAgeDays: 9, version: %d})", "{ marginRules { version } }"),
    ],
)
async def test_the_operators_rules(house: House, text: str, read: str) -> None:
    first, second = await _twice(house, text % 1)
    assert "code" not in first
    assert second == STALE
    ((version,),) = [one.values() for one in (await gql(house, "operator", read)).values()]
    assert version == 2
    again, _ = await _twice(house, text % version)
    assert "code" not in again


async def test_the_prices_of_a_list(house: House) -> None:
    await make_month(house)
    change = (
        'changePrices(input: {priceList: "Retail", version: %d, validFrom: "%s", '
        'rates: [{to: "SE mobile", mode: "voice", steps: [{price: "%s", per: "60"}]}]})'
    )
    version = (await gql(house, "operator", '{ priceList(name: "Retail") { version } }'))["priceList"]["version"]
    refused = "{ __typename ... on Refusal { code field } }"
    ask = f"mutation {{ a: {change % (version, '2026-05-01T00:00:00Z', '0.70')} {refused} }}"
    assert (await gql(house, "operator", ask))["a"] == {"__typename": "PricesChanged"}
    ask = f"mutation {{ a: {change % (version, '2026-05-01T00:00:00Z', '0.80')} {refused} }}"
    assert (await gql(house, "operator", ask))["a"] == STALE
    page = await gql(house, "operator", "{ priceLists { edges { node { name version } } } }")
    told = {one["node"]["name"]: one["node"]["version"] for one in page["priceLists"]["edges"]}
    assert told == {"Retail": version + 1, "Wholesale": version, "Cost": version}


async def test_the_terms_of_a_reseller(house: House) -> None:
    await make_month(house)
    east = global_id("Reseller", 1)
    text = f'changeResellerTerms(input: {{reseller: "{east}", version: 1, priceList: "Wholesale"}})'
    first, second = await _twice(house, text)
    assert first == {"__typename": "ResellerTerms"}
    assert second == STALE
    found = (await gql(house, "operator", "{ resellers { code termsVersion } }"))["resellers"]
    assert {one["code"]: one["termsVersion"] for one in found} == {"east": 2, "west": 1, "below": 1}


async def test_the_groups_of_a_customer(house: House) -> None:
    customer = (await new_customer(house, "operator", "Anna", priceList=None))["id"]
    join = f'joinGroup(input: {{customer: "{customer}", name: "A", validFrom: "2026-03-01T00:00:00Z", version: 1}})'
    first, _ = await _twice(house, join)
    assert first == {"__typename": "GroupMemberships"}
    leave = f'leaveGroup(input: {{customer: "{customer}", name: "A", at: "2026-03-02T00:00:00Z", version: %d}})'
    assert (await _twice(house, leave % 1))[0] == STALE
    version = (await gql(house, "operator", f'{{ customer(id: "{customer}") {{ groupsVersion }} }}'))["customer"]
    assert version == {"groupsVersion": 2}
    assert (await _twice(house, leave % 2))[0] == {"__typename": "GroupMemberships"}


async def test_a_draft_is_discarded_at_its_version(house: House) -> None:
    await make_month(house)
    put = 'mutation { putDraft(input: {name: "May"}) { ... on Draft { version } ... on Refusal { message } } }'
    version = (await gql(house, "operator", put))["putDraft"]["version"]
    first, second = await _twice(house, f'discardDraft(name: "May", version: {version + 1})')
    assert first == second == STALE
    first, _ = await _twice(house, f'discardDraft(name: "May", version: {version})')
    assert first == {"__typename": "Draft"}
