"""An operator's own identity provider (OpenID Connect), which signs its people in here instead of a password.

What it claims of a person decides the level: the rules are looked at in order, and the first that fits is it. Where
none fits nobody gets in; a level is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.ids import IdentityProviderId, LevelId, OperatorId, ResellerId
from domain.refusal import BadValue

NAME = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
CLAIM_MAX = 100
VALUE_MAX = 200
RULES_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """Who has ``value`` in the claim (alone, or among a list) gets the level; ``*``: whoever has it at all."""

    claim: str
    value: str
    level: LevelId

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether it is about somebody with these claims.

        >>> LevelRule(claim="groups", value="billing", level=LevelId(1)).fits({"groups": ["staff", "billing"]})
        True
        """
        held = claims.get(self.claim)
        several = held if isinstance(held, list) else [held]
        texts = [one for one in several if isinstance(one, str) and one]
        return bool(texts) if self.value == "*" else self.value in texts


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """One provider. ``sealed_secret`` is our client's secret there, sealed; None: our client is a public one.

    ``makes_users``: whoever a rule gives a level is made a user at the first sign-in; else only somebody who was
    invited gets in, by an e-mail address that the provider says is verified. ``asks_twice``: the provider always asks
    for a second factor, also where it does not say so (``amr``).
    """

    id: IdentityProviderId
    operator: OperatorId
    reseller: ResellerId | None
    name: str
    issuer: str
    client_id: str
    sealed_secret: bytes | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    rules: tuple[LevelRule, ...] = ()
    makes_users: bool = False
    asks_twice: bool = False
    active: bool = True
    version: int = 1
    created_at: datetime

    def __post_init__(self) -> None:
        """Refuses with: BadValue, naming the field."""
        if not NAME.fullmatch(self.name):
            raise BadValue("a provider's name has 1 to 40 small letters, digits and hyphens", field="name")
        if not self.client_id.strip() or len(self.client_id) > VALUE_MAX:
            raise BadValue("a client id has 1 to {most} characters", most=VALUE_MAX, field="clientId")
        if "openid" not in self.scopes:
            raise BadValue("the scopes hold openid", field="scopes")
        if len(self.rules) > RULES_MAX:
            raise BadValue("a provider has at most {most} rules", most=RULES_MAX, field="rules")
        for index, rule in enumerate(self.rules):
            if not rule.claim or len(rule.claim) > CLAIM_MAX or not rule.value or len(rule.value) > VALUE_MAX:
                raise BadValue("a rule names a claim and a value", field=f"rules.{index}")

    def level(self, claims: Mapping[str, Any]) -> LevelId | None:
        """Return the level of somebody with these claims; None: he has no business here."""
        return next((rule.level for rule in self.rules if rule.fits(claims)), None)
