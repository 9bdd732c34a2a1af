"""Every element of SOAP that names a thing, with everybody's thing of its kind, and every operation without a token.

Made of the operations of the WSDL: each element is found there. What it names stands below by its name, or is a word
that names nothing; a name that is neither fails until somebody has said which. As with GraphQL
(``test_isolation_walk.py``) what is not a caller's to see is answered exactly as what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from lxml import etree
from spyne import ComplexModel, Integer, Unicode

from api.soap.codec import Codec
from tests.api.conftest import House
from tests.api.holdings import ABSENT, OWNERS, REACH, RESELLERS, Holdings, make_holdings, traces
from tests.api.soap_words import CODES, ELSEWHERE, KINDS, ROOMS, WORDS
from tests.api.test_graphql_parties import gql
from tests.api.test_isolation_walk import CALLERS, FOREIGN, LAST, ROOT, visible
from tests.api.walking import envelope

Path = tuple[str, ...]
HEADERS: Final = {"Content-Type": "text/xml; charset=utf-8"}
# Begin the names of operations that change nothing, which are asked by every caller about everybody's.
READS: Final = ("Get", "List", "Count", "Find", "Fetch", "Read", "Preview", "Price", "Explain", "Compare", "Check")
# Lists of what hangs on a customer, where not everybody has one of it.
LISTED: Final = {"ListFraudSuspicions.customer": "FraudSuspicion"}
ADVICE: Final = (
    "say in tests/api/soap_words.py what kind of thing the element names (KINDS), or that it names none (WORDS); make"
    " one in tests/api/holdings.py, or say in ROOMS or ELSEWHERE which test asks for it as another"
)


def operations() -> dict[str, Any]:
    """Return every operation by its name."""
    return {method.operation_name: method for (method,) in Codec("1.1").interface.service_method_map.values()}


def elements(message: Any, depth: int = 0) -> Iterator[tuple[Path, Any]]:
    """Yield the path of each text and whole number in a message."""
    for name, part in message.get_flat_type_info(message).items():
        if issubclass(part, ComplexModel):
            if depth < 4:
                yield from (((name, *path), kind) for path, kind in elements(part, depth + 1))
        elif issubclass(part, Unicode | Integer) and getattr(part, "__values__", None) is None:
            yield (name,), part


def kind_of(operation: str, path: Path) -> str | None:
    """Return what an element names, None for a word that names nothing."""
    for name in (f"{operation}.{'.'.join(path)}", f"{operation}.{path[-1]}", path[-1]):
        if name in KINDS:
            return KINDS[name]
        if name in WORDS:
            return None
    raise KeyError


def naming() -> list[tuple[str, Path, str]]:
    """Return each operation with each of its elements that name a thing, and the kind of that."""
    found, unknown = [], []
    for name, method in operations().items():
        for path, part in elements(method.in_message):
            try:
                kind = kind_of(name, path)
            except KeyError:
                unknown.append(f"{name}.{'.'.join(path)}")
                continue
            if kind is not None and kind not in ROOMS:
                found.append(
                    (name, path, "Reseller" if kind == "reseller code" and issubclass(part, Integer) else kind)
                )
    assert not unknown, (unknown, ADVICE)
    return found


class Keys:
    """What SOAP calls everybody's things."""

    def __init__(self, holdings: Holdings, quotes: Mapping[str, str]) -> None:
        self.holdings, self.quotes = holdings, quotes

    def of(self, owner: str, kind: str) -> str | None:
        """Return the key of an owner's thing, None where he has none."""
        owned = self.holdings.month.owned[owner]
        match kind:
            case "customer number":
                return str(owned.customer["number"])
            case "contract number":
                return str(owned.contract["number"])
            case "invoice number":
                return str(owned.invoices[0]["number"])
            case "quote number":
                return self.quotes[owner]
            case "telephone number":
                return owned.number
            case "reseller code":
                return {"reseller": "east", "sibling": "west", "below": "below", "other": "far"}.get(owner)
            case "service code":
                return {"operator": "S", "other": "FAR"}.get(owner)
            case "number of the stock":
                return {"reseller": "46871000001", "sibling": "46871000002", "below": "46871000003"}.get(owner)
            case "event":
                return self.holdings.key(owner, "Usage")
        return self.holdings.key(owner, kind) if kind in self.holdings.ids[owner] else None

    def own(self, caller: str, kind: str) -> str | None:
        """Return the key of the nearest thing of a kind that a caller sees."""
        owners = sorted(REACH[caller], key=lambda owner: (owner != caller, owner))
        return next((key for owner in owners if (key := self.of(owner, kind)) is not None), None)


def nobodys(kind: str) -> str:
    """Return a key that nothing has."""
    if kind == "telephone number":
        return "46859999999"
    return f"1.1.{ABSENT}" if kind == "event" else str(ABSENT)


def plainly(text: str, key: str) -> str:
    """Return an answer without the key that was asked for, moments and numbers."""
    return re.sub(r"-?\d+", "N", re.sub(rf"(?<![\w.-]){re.escape(key)}(?!\w)", "KEY", text)).replace("KEY", "N")


class Walk:
    """One walk over all that names a thing."""

    def __init__(self, house: House, keys: Keys) -> None:
        self.house, self.keys, self.methods = house, keys, operations()

    def told(self, caller: str, operation: str, path: Path, key: str) -> dict[str, str]:
        """Return what stands in the envelope: one's own things, and the key at the path."""
        found = {}
        for each, _ in elements(self.methods[operation].in_message):
            kind = kind_of(operation, each)
            needed = path[: len(each) - 1] == each[:-1]
            own = (
                self.keys.own(caller, kind)
                if kind is not None and needed and _must(self.methods[operation], each)
                else None
            )
            if own is not None:
                found[each[-1]] = own
        return found | CODES.get(operation, {}) | {path[-1]: key}

    async def ask(self, caller: str, operation: str, path: Path, key: str) -> str:
        body = envelope(self.methods[operation], self.told(caller, operation, path, key))
        answer = (await self.house.call(caller, "POST", "/soap", content=body, headers=HEADERS)).text
        assert "Server.internal" not in answer, (caller, body, answer)
        return answer

    async def absent(self, caller: str, operation: str, path: Path, kind: str) -> str:
        key = nobodys(kind)
        return plainly(await self.ask(caller, operation, path, key), key)

    async def fits(self, operation: str, path: Path, kind: str) -> bool:
        """Tell whether the operator's own is answered otherwise than what is not there."""
        nothing = await self.absent("operator", operation, path, kind)
        for owner in ("operator", "reseller"):
            key = self.keys.of(owner, kind)
            if key is not None and plainly(await self.ask("operator", operation, path, key), key) != nothing:
                return True
        return False


def _must(method: Any, path: Path) -> bool:
    message = method.in_message
    for name in path:
        message = message.get_flat_type_info(message)[name]
        if not message.Attributes.min_occurs and name == path[-1]:
            return False
    return True


@pytest.fixture
async def keys(house: House) -> Keys:
    holdings = await make_holdings(house)
    quotes = {}
    for owner in OWNERS:
        query = f'{{ a: quote(id: "{holdings.ids[owner]["ContractQuote"]}") {{ number }} }}'
        quotes[owner] = (await gql(house, owner, query))["a"]["number"]
    assert set(RESELLERS) < set(OWNERS)
    return Keys(holdings, quotes)


def test_every_operation_of_the_wsdl_is_walked() -> None:
    wsdl = etree.parse(ROOT / "wsdl/tollwright.wsdl")
    named = wsdl.iterfind("{*}portType/{*}operation")
    assert {one.get("name") for one in named} == set(operations())
    assert naming()
    assert all((ROOT / place).is_file() for place in (*ROOMS.values(), *ELSEWHERE.values()))


async def test_every_key_of_an_operation(house: House, keys: Keys) -> None:
    walk, wrong, unproved = Walk(house, keys), [], set()
    named = sorted(naming(), key=lambda one: (not one[0].startswith(READS), one[0].lower().startswith(LAST)))
    for operation, path, kind in named:
        name, reads = f"{operation}.{path[-1]}", operation.startswith(READS)
        if name in ELSEWHERE:
            continue
        pairs = [(one, other) for one in CALLERS for other in OWNERS] if reads else FOREIGN
        nothing = {caller: await walk.absent(caller, operation, path, kind) for caller in CALLERS}
        fits = reads and await walk.fits(operation, path, kind)
        for caller, owner in pairs:
            key = keys.of(owner, kind)
            sees = visible(caller, owner, {"service code": "Service"}.get(kind, kind))
            if key is None or (not reads and sees) or (key == keys.own(caller, kind) and not sees):
                continue
            answer = await walk.ask(caller, operation, path, key)
            found = plainly(answer, key) != nothing[caller]
            allowed = "Client.not_allowed" not in nothing[caller]
            there = sees and (name not in LISTED or LISTED[name] in keys.holdings.ids[owner])
            if found != (there and allowed) and (found or fits):
                wrong.append((name, kind, caller, owner, found, answer[-600:]))
            if owner not in REACH[caller]:
                assert not {mark for mark in traces(keys.holdings, owner) - {key} if mark in answer}, (
                    name,
                    caller,
                    owner,
                )
        if reads and not fits:
            unproved.add(name)
    assert not wrong, "\n".join(map(str, wrong))
    # What changes a thing is done to one's own last, when nobody is asked for it any more.
    for operation, path, kind in named:
        name = f"{operation}.{path[-1]}"
        if not (operation.startswith(READS) or name in ELSEWHERE) and not await walk.fits(operation, path, kind):
            unproved.add(name)
    assert not unproved, (sorted(unproved), ADVICE)


async def test_without_a_token_every_operation_is_answered_alike(house: House) -> None:
    said = set()
    for method in operations().values():
        answer = await house.http.post("/soap", content=envelope(method, {}), headers=HEADERS)
        assert answer.status_code == 401, method.operation_name
        said.add(answer.text)
    assert len(said) == 1
