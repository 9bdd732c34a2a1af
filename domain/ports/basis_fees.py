"""The store of what bill runs charge to payers whom another system invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.basis.fee import BasisFee
from domain.ids import BillRunId, ContractId, CustomerId
from domain.invoicing.bill_run import BilledFees, BillRun
from domain.invoicing.fees import FeeCharge


class BasisFees(Protocol):
    """What is charged beside usage. A unit for it begins with ``bulk=True``."""

    async def any(self) -> bool:
        """Tell whether anything was ever charged so, which spares everybody else the questions below."""
        ...

    async def keep(
        self,
        run: BillRun,
        fees: Sequence[BasisFee],
        *,
        counted: Sequence[tuple[CustomerId, CustomerId]],
        bought: Mapping[CustomerId, Sequence[FeeCharge]],
    ) -> None:
        """Keep what a run charges, whose usage it has only counted, each behind its payer, and what buyers buy."""
        ...

    async def billed(self, contracts: Sequence[ContractId], since: date) -> Mapping[ContractId, BilledFees]:
        """Return what fees of contracts that begin on a day or later were charged."""
        ...

    async def bought(
        self, buyer: CustomerId, contracts: Sequence[ContractId], since: date
    ) -> Mapping[ContractId, BilledFees]:
        """Return what a reseller's customer was charged for the contracts of customers below him."""
        ...

    async def waiting(self) -> bool:
        """Tell whether anything is in no batch yet."""
        ...

    async def of_run(self, run: BillRunId, *, first: int, after: int) -> Sequence[BasisFee]:
        """Return the next of what a run charged, by key."""
        ...

    async def give_back(self, run: BillRun, elsewhere: Mapping[str, bool], *, at: datetime) -> None:
        """Let a run bill again the usage of those whom no other system invoices any more: all but what batches gave.

        ``elsewhere``: as of ``BasisStore.make``.
        """
        ...
