"""What a resolver finds around it: who calls, the wiring, and loaders that live for one request.

A loader gathers the keys that the fields of one page ask for and reads them in one unit, so that the number of
statements does not grow with the page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import strawberry
from strawberry.dataloader import DataLoader

from api.graphql.board import Board
from api.graphql.once import Answering
from api.journal import refusing
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.ports.page import Page
from domain.usecases import dispute_invoice, list_invoices, load_batches, load_versions
from domain.usecases.find_numbers import holders_of
from domain.usecases.list_files import files_by_ids, sources_by_ids
from domain.usecases.list_number_orders import steps_of_orders
from domain.usecases.list_orders import order_logs
from domain.usecases.list_users import level_names
from domain.usecases.manage_series import series_by_ids
from domain.usecases.step_subscription import subscription_histories

Batch: TypeAlias = Callable[..., Awaitable[Mapping[Any, Any]]]


class _Things:
    """A loader of the request, made when it is first asked for: most requests need one or two of them."""

    missing: Callable[[], Any] = staticmethod(lambda: None)

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: Loaders, owner: type) -> DataLoader[Any, Any]:
        made = loaders.loader(self._batch, self.missing)
        vars(loaders)[self._name] = made
        return made


class _Lists(_Things):
    """One of lists."""

    missing = list


class Loaders:
    """The loaders of one request. One of things gives None, one of lists an empty list, for what is not there."""

    customers = _Things(load_batches.customers_by_ids)
    invoices = _Things(list_invoices.invoices_by_ids)
    credit_notes = _Lists(list_invoices.credit_notes_of)
    disputes = _Lists(dispute_invoice.disputes_of_invoices)
    places_of = _Lists(load_batches.places_of_customers)
    children = _Lists(load_batches.children_of_customers)
    resellers = _Things(load_batches.resellers_by_ids)
    contracts = _Things(load_batches.contracts_by_ids)
    contracts_of = _Lists(load_batches.contracts_of_customers)
    services = _Things(load_batches.services_by_ids)
    subscriptions = _Things(load_batches.subscriptions_by_ids)
    subscriptions_of = _Lists(load_batches.subscriptions_of_contracts)
    order_logs = _Lists(order_logs)
    histories = _Lists(subscription_histories)
    number_series = _Things(series_by_ids)
    holders = _Lists(holders_of)
    number_order_steps = _Lists(steps_of_orders)
    price_lists = _Things(load_batches.price_lists_by_names)
    price_versions = _Things(load_versions.price_versions)
    terms_versions = _Things(load_versions.terms_versions)
    groups_versions = _Things(load_versions.groups_versions)
    portal_versions = _Things(load_versions.portal_versions)
    level_names = _Things(level_names)
    files = _Things(files_by_ids)
    sources = _Things(sources_by_ids)

    def __init__(self, wiring: Wiring, actor: Actor) -> None:
        self._wiring = wiring
        self._actor = actor
        self._rates: dict[int, DataLoader[Any, Any]] = {}

    def rates_of(self, first: int) -> DataLoader[Any, Any]:
        """Return the loader of first pages of rates of this size."""
        if first not in self._rates:

            async def batch(names: Sequence[str], **who: Any) -> Mapping[Any, Any]:
                return await load_batches.rates_of_lists(names, first=first, **who)

            self._rates[first] = self.loader(batch, lambda: Page([], more=False))
        return self._rates[first]

    def loader(self, batch: Batch, missing: Callable[[], Any]) -> DataLoader[Any, Any]:
        """Return a loader by a batch; ``missing`` makes what stands for what is not there."""

        async def load(keys: Sequence[Any]) -> list[Any]:
            found = await batch(keys, actor=self._actor, begin=self._wiring.begin)
            return [found[key] if key in found else missing() for key in keys]

        return DataLoader(load_fn=load, max_batch_size=1000)


class Context:
    """What stands around every resolver of one request."""

    def __init__(self, wiring: Wiring, actor: Actor) -> None:
        self.wiring = wiring
        self.actor = actor
        self.accept_language: str | None = None
        self.answering: list[Answering] = []
        self.replayed: dict[str, str] = {}
        self.load = Loaders(wiring, actor)

    async def ask(self, usecase: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> Any:
        """Call a use case as the caller."""
        with refusing(usecase.__name__):
            return await usecase(*arguments, actor=self.actor, begin=self.wiring.begin, **more)


class LiveContext(Context):
    """What stands around a subscription: it lasts, so who calls and what was loaded are looked at anew."""

    def __init__(self, wiring: Wiring, actor: Actor, present: Callable[[], Awaitable[Actor]], board: Board) -> None:
        super().__init__(wiring, actor)
        self.board = board
        self._present = present

    async def ask(self, usecase: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> Any:
        """Call a use case as the caller; what it shows is told in the trail as that of a request is."""
        journal = self.wiring.journal
        with journal.request() as activity:
            try:
                return await super().ask(usecase, *arguments, **more)
            finally:
                journal.done(self.actor, activity, "socket")

    async def renew(self) -> None:
        """Ask again who calls, and forget what was loaded; before every message. Raises what ends the socket."""
        self.actor = await self._present()
        self.load = Loaders(self.wiring, self.actor)


Info: TypeAlias = strawberry.Info[Context, None]
