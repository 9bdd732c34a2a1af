"""Which revenue account a sale is booked on: rules by product, country and VAT, from a day on.

Of the rules that fit a line the one that says most holds, the latest of several. Where none fits, the account is the
service's own, as it is without rules: 3041 of the Swedish BAS chart, 3308 and 3305 for sales abroad.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from domain.contracts.service import Service
from domain.countries import check_country
from domain.ids import AccountRuleId, OperatorId, ServiceId
from domain.invoicing.invoice import Line, LineKind
from domain.refusal import BadValue

_ACCOUNT: Final = re.compile(r"[0-9]{4,8}", re.ASCII)
_CATEGORIES: Final = ("", "S", "AE", "G", "E", "O", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRule:
    """What fits all that is said is booked on ``account`` in ``[valid_from, valid_to)``; empty and None stand for any.

    ``country`` is the payer's.
    """

    id: AccountRuleId
    operator: OperatorId
    valid_from: date
    account: str
    valid_to: date | None = None
    kind: str = ""
    product_group: str = ""
    service: ServiceId | None = None
    country: str = ""
    vat_category: str = ""
    vat_percent: Decimal | None = None
    version: int = 1

    @property
    def said(self) -> int:
        """How much it says: a service outweighs its group, and both everything else."""
        rest = (self.kind, self.country, self.vat_category, self.vat_percent is not None)
        return 16 * (self.service is not None) + 8 * bool(self.product_group) + sum(map(bool, rest))


def accounted(
    lines: Iterable[Line],
    rules: Sequence[AccountRule],
    services: Mapping[ServiceId, Service],
    *,
    country: str,
    on: date,
) -> list[Line]:
    """Return the lines with the accounts that the rules say for a payer's country on a day."""
    there = [one for one in rules if one.valid_from <= on and (one.valid_to is None or on < one.valid_to)]
    there = [one for one in there if one.country in {"", country}]
    there.sort(key=lambda one: (one.said, one.valid_from, one.id), reverse=True)
    if not there:
        return list(lines)
    return [replace(line, account=_account(line, there, services)) for line in lines]


def _account(line: Line, rules: Sequence[AccountRule], services: Mapping[ServiceId, Service]) -> str:
    service = services.get(line.service) if line.service is not None else None
    group = service.product_group if service is not None else None
    for one in rules:
        if (
            one.kind in {"", line.kind.value}
            and one.service in {None, line.service}
            and one.product_group in {"", group}
            and one.vat_category in {"", line.vat.category}
            and one.vat_percent in {None, line.vat.percent}
        ):
            return one.account
    return line.account


def check(rule: AccountRule) -> AccountRule:
    """Return the rule. Refuses with: BadValue, naming the field."""
    if not _ACCOUNT.fullmatch(rule.account):
        raise BadValue("an account has 4 to 8 digits", field="account")
    if rule.kind and rule.kind not in LineKind.__members__.values():
        raise BadValue("a kind of line is one of {listed}", listed=", ".join(LineKind), field="kind")
    if rule.vat_category not in _CATEGORIES:
        raise BadValue("a VAT category is one of {listed}", listed=", ".join(_CATEGORIES[1:]), field="vatCategory")
    if rule.country:
        check_country(rule.country, field="country")
    if rule.vat_percent is not None and not 0 <= rule.vat_percent <= 100:
        raise BadValue("a rate is 0 to 100 per cent, with up to 3 decimals", field="vatPercent")
    if rule.valid_to is not None and rule.valid_to <= rule.valid_from:
        raise BadValue("a rule ends after it begins", field="validTo")
    if len(rule.product_group) > 100:
        raise BadValue("a product group has at most {most} characters", most=100, field="productGroup")
    return rule
