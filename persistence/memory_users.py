"""People who sign in, and what they prove themselves by, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.access.proof import (
    ATTEMPTS_FORGOTTEN,
    ATTEMPTS_FREE,
    LOCK_FIRST,
    LOCK_MAX,
    Challenge,
    Proofs,
    Purpose,
    SecurityKey,
    Step,
)
from domain.access.user import User, UserState
from domain.ids import LevelId, ResellerId, UserId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Stale
from persistence.memory import Draft, page_of
from persistence.memory_customers import exists
from persistence.users import rules


class MemoryUsers:
    """Keeps ``domain.ports.users.Users``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _check(self, user: User) -> None:
        refusals = rules(user)
        others = self._draft.table("app_user").values()
        if any(
            one.operator == user.operator and one.id != user.id and one.email_key == user.email_key for one in others
        ):
            raise refusals["app_user_email"]
        if not exists(self._draft, "reseller", user.reseller, user.operator) or not self._draft.sees(user):
            raise refusals["app_user_operator_reseller_fkey"]
        level = self._draft.table("user_level").get(user.level)
        if level is None or level.operator != user.operator:
            raise refusals["app_user_operator_level_fkey"]

    async def add(self, user: User) -> User:
        """Keep a new one. Refuses with: Conflict (e-mail address), NotFound (level, reseller)."""
        self._check(user)
        kept = replace(user, id=UserId(self._draft.draw("app_user")), version=1)
        self._draft.table("app_user")[kept.id] = kept
        return kept

    async def get(self, key: UserId) -> User:
        """Return one. Refuses with: NotFound."""
        found: User | None = self._draft.table("app_user").get(key)
        if found is None or not self._draft.sees(found):
            raise NotFound("no such user", field="user")
        return found

    async def claim(self, key: UserId) -> User:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def by_email(self, email_key: str) -> User | None:
        """Return who signs in as this."""
        found = self._draft.seen("app_user", lambda one: one.email_key == email_key and one.erased_at is None)
        return found[0] if found else None

    async def keep(self, user: User) -> User:
        """Write a changed one; return it with its next version. Refuses with: Stale, Conflict, NotFound."""
        known = await self.get(user.id)
        if known.version != user.version:
            raise Stale("the user was changed since he was read", field="version")
        self._check(user)
        kept = replace(user, version=user.version + 1, signed_in_at=known.signed_in_at)
        self._draft.table("app_user")[kept.id] = kept
        return kept

    async def signed_in(self, key: UserId, at: datetime) -> None:
        """Write when he signed in last; his version stays."""
        rows = self._draft.table("app_user")
        rows[key] = replace(rows[key], signed_in_at=at)

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        state: UserState | None = None,
        level: LevelId | None = None,
        reseller: ResellerId | None = None,
    ) -> Page[User]:
        """List by key; ``text`` is a part of the name or the address."""

        def wanted(one: User) -> bool:
            part = text is None or text.lower() in one.name.lower() or text.lower() in one.email_key
            same = (state is None or one.state is state) and (level is None or one.level == level)
            return part and same and (reseller is None or one.reseller == reseller) and one.erased_at is None

        return page_of(self._draft.seen("app_user", wanted), request, lambda one: one.id)

    async def by_ids(self, keys: Collection[UserId]) -> Sequence[User]:
        """Return those of the keys that there are."""
        return self._draft.seen("app_user", lambda one: one.id in keys)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Everything that is kept of one."""

    proofs: Proofs = field(default_factory=Proofs)
    step: int = 0
    codes: dict[bytes, datetime | None] = field(default_factory=dict)
    asked: tuple[bytes, str, datetime] | None = None


class MemoryProofs:
    """Keeps ``domain.ports.users.ProofStore``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _get(self, person: UserId) -> _Kept:
        rows = self._draft.table("user_secret")
        found: _Kept = rows.get(person, _Kept())
        return found

    def _put(self, person: UserId, kept: _Kept) -> None:
        self._draft.table("user_secret")[person] = kept

    async def of(self, person: UserId) -> Proofs:
        """Return what is kept of one."""
        kept = self._get(person)
        unused = sum(used is None for used in kept.codes.values())
        return replace(kept.proofs, recovery=unused)

    async def _change(self, person: UserId, **fields: object) -> None:
        kept = self._get(person)
        self._put(person, replace(kept, proofs=replace(kept.proofs, **fields)))  # type: ignore[arg-type]  # its own fields

    async def put_password(self, person: UserId, password: str, at: datetime) -> None:
        """Keep a hash in the place of the one before."""
        await self._change(person, password=password, password_at=at)

    async def swap_hash(self, person: UserId, before: str, password: str) -> None:
        """Keep another hash of the same password, unless it was changed meanwhile."""
        if self._get(person).proofs.password == before:
            await self._change(person, password=password)

    async def start_totp(self, person: UserId, sealed: bytes) -> None:
        """Keep a seed that is not confirmed yet."""
        await self._change(person, totp_new=sealed)

    async def confirm_totp(self, person: UserId, sealed: bytes, step: int) -> bool:
        """Let this new seed hold, and its step be used; False where another was begun meanwhile."""
        if self._get(person).proofs.totp_new != sealed:
            return False
        await self._change(person, totp=sealed, totp_new=None)
        self._put(person, replace(self._get(person), step=step))
        return True

    async def take_step(self, person: UserId, step: int) -> bool:
        """Use a time step up; False where it, or a later one, was used before."""
        kept = self._get(person)
        if step <= kept.step:
            return False
        self._put(person, replace(kept, step=step))
        return True

    async def drop_totp(self, person: UserId) -> None:
        """Forget the seed."""
        await self._change(person, totp=None, totp_new=None)

    async def put_recovery(self, person: UserId, hashes: Sequence[bytes]) -> None:
        """Keep new recovery codes in the place of all before."""
        self._put(person, replace(self._get(person), codes=dict.fromkeys(hashes)))

    async def use_recovery(self, person: UserId, sha256: bytes, at: datetime) -> bool:
        """Use a code up; False where there is none, or it was used before."""
        kept = self._get(person)
        if kept.codes.get(sha256, at) is not None:
            return False
        self._put(person, replace(kept, codes={**kept.codes, sha256: at}))
        return True

    async def ask_key(self, person: UserId, asked: bytes, rp: str, until: datetime) -> None:
        """Remember what a new security key is to sign."""
        self._put(person, replace(self._get(person), asked=(asked, rp, until)))

    async def asked_key(self, person: UserId, at: datetime) -> tuple[bytes, str] | None:
        """Take back what a new key was asked, and for which host, once."""
        asked = self._get(person).asked
        self._put(person, replace(self._get(person), asked=None))
        return None if asked is None or asked[2] <= at else asked[:2]

    async def add_key(self, person: UserId, key: SecurityKey) -> SecurityKey:
        """Keep a security key. Refuses with: Conflict (it is registered already)."""
        rows = self._draft.table("user_secret")
        own = self._draft.actor.operator
        for other, kept in rows.items():
            of = self._draft.table("app_user")[other]
            if of.operator == own and any(one.credential == key.credential for one in kept.proofs.keys):
                raise Conflict("this security key is registered already", field="credential")
        made = replace(key, id=self._draft.draw("user_security_key"))
        await self._change(person, keys=(*self._get(person).proofs.keys, made))
        return made

    async def use_key(self, person: UserId, key: int, before: int, count: int, at: datetime) -> bool:
        """Write a key's counter; False where it was used meanwhile."""
        keys = self._get(person).proofs.keys
        if not any(one.id == key and one.sign_count == before for one in keys):
            return False
        changed = [replace(one, sign_count=count, used_at=at) if one.id == key else one for one in keys]
        await self._change(person, keys=tuple(changed))
        return True

    async def remove_key(self, person: UserId, key: int) -> SecurityKey:
        """Forget a key. Refuses with: NotFound."""
        keys = self._get(person).proofs.keys
        for one in keys:
            if one.id == key:
                await self._change(person, keys=tuple(other for other in keys if other.id != key))
                return one
        raise NotFound("no such security key", field="key")

    async def put_link(self, person: UserId, purpose: Purpose, sha256: bytes, at: datetime, until: datetime) -> None:
        """Keep a link in the place of the one before of its purpose."""
        self._draft.table("user_link")[person, purpose] = (sha256, at, until)

    async def linked_at(self, person: UserId, purpose: Purpose) -> datetime | None:
        """Return when the link was made that is there."""
        found = self._draft.table("user_link").get((person, purpose))
        return None if found is None else found[1]

    async def linked(self, sha256: bytes, purpose: Purpose, at: datetime) -> UserId | None:
        """Return whose link it is, while it holds."""
        users = self._draft.table("app_user")
        for (person, of), (kept, _, until) in self._draft.table("user_link").items():
            if of is purpose and kept == sha256 and until > at and self._draft.sees(users[person]):
                return UserId(person)
        return None

    async def use_link(self, sha256: bytes, purpose: Purpose, at: datetime) -> UserId | None:
        """Use a link up and return whose it is; None where it is none, or was used, or is too old."""
        person = await self.linked(sha256, purpose, at)
        if person is not None:
            del self._draft.table("user_link")[person, purpose]
        return person

    async def add_challenge(self, challenge: Challenge) -> None:
        """Keep a half-login; those of the same person that are over are forgotten."""
        rows = self._draft.table("user_challenge")
        over = challenge.expires_at - timedelta(hours=1)
        for key in [key for key, one in rows.items() if one.person == challenge.person and one.expires_at < over]:
            del rows[key]
        rows[challenge.sha256] = challenge

    async def challenge(self, sha256: bytes, at: datetime) -> Challenge | None:
        """Return a half-login, while it lasts."""
        found: Challenge | None = self._draft.table("user_challenge").get(sha256)
        if found is None or found.expires_at <= at:
            return None
        return found if self._draft.sees(self._draft.table("app_user")[found.person]) else None

    async def ask_challenge(self, sha256: bytes, asked: bytes) -> None:
        """Remember what a security key is to sign."""
        rows = self._draft.table("user_challenge")
        if sha256 in rows:
            rows[sha256] = replace(rows[sha256], asked=asked)

    async def end_challenge(self, sha256: bytes) -> bool:
        """Use a half-login up; False where another was quicker."""
        return self._draft.table("user_challenge").pop(sha256, None) is not None

    async def attempt(self, person: UserId, step: Step, place: str, at: datetime) -> int | None:
        """Count an attempt before it is looked at; return how many in a row, None while he is locked."""
        rows = self._draft.table("user_attempt")
        attempts, until, last = rows.get((person, step, place), (0, None, at))
        if until is not None and until > at:
            return None
        attempts = 1 if last < at - ATTEMPTS_FORGOTTEN else attempts + 1
        over = attempts - ATTEMPTS_FREE
        locked = at + min(LOCK_FIRST * 2 ** min(over, 20), LOCK_MAX) if over >= 0 else None
        rows[person, step, place] = (attempts, locked, at)
        return int(attempts)

    async def succeed(self, person: UserId, step: Step, place: str) -> None:
        """Forget the attempts."""
        self._draft.table("user_attempt").pop((person, step, place), None)

    async def unlock(self, person: UserId) -> None:
        """Forget the attempts everywhere."""
        rows = self._draft.table("user_attempt")
        for key in [key for key in rows if key[0] == person]:
            del rows[key]

    async def knows_place(self, person: UserId, address: str, since: datetime) -> bool:
        """Tell whether he has signed in from there since."""
        found = self._draft.table("user_place").get((person, address))
        return found is not None and found > since

    async def keep_place(self, person: UserId, address: str, at: datetime) -> None:
        """Remember that he signed in from there."""
        self._draft.table("user_place")[person, address] = at

    async def drop_factors(self, person: UserId) -> None:
        """Forget seeds, security keys and recovery codes."""
        await self._change(person, totp=None, totp_new=None, keys=())
        await self.put_recovery(person, [])

    async def end_openings(self, person: UserId) -> None:
        """End links and half-logins."""
        links, challenges = self._draft.table("user_link"), self._draft.table("user_challenge")
        for purpose in Purpose:
            links.pop((person, purpose), None)
        for key in [key for key, one in challenges.items() if one.person == person]:
            del challenges[key]

    async def forget(self, person: UserId) -> None:
        """Forget everything."""
        await self.end_openings(person)
        await self.unlock(person)
        self._draft.table("user_secret").pop(person, None)
        places = self._draft.table("user_place")
        for key in [key for key in places if key[0] == person]:
            del places[key]
