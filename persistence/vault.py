"""Secrets sealed by AES-256-GCM (NIST SP 800-38D) with a master key that is not in the database.

The key comes from the setting ``master_key`` or lies in ``data_dir/master.key``, made at its first use. Several keys
may be given, the newest first: it seals, all of them open, so that a key can be changed without losing anything. A
sealed secret names its key, by the beginning of that key's SHA-256; a key that is not known is looked for in the file
again, since another process may have added it. What a secret is for is authenticated with it: one that is copied to
another row cannot be opened there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.ports.transports import TransportFault, Unopenable
from domain.refusal import BadValue

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID_BYTES: Final = 4
FORM: Final = b"\x02"  # then the key's id, the nonce, the text
FORM_BEFORE: Final = b"\x01"  # of earlier releases: the nonce, the text; any key may be meant
VARIABLE_PREFIX: Final = "FEED_SECRET_"
FILE_BYTES_MAX: Final = 64 << 10
_VARIABLE: Final = re.compile(rf"env:({VARIABLE_PREFIX}([1-9][0-9]*)_[A-Z0-9_]{{1,60}})", re.ASCII)
_FILE: Final = re.compile(r"file:([A-Za-z0-9][A-Za-z0-9._-]{0,99})", re.ASCII)


def read_keys(text: str) -> tuple[bytes, ...]:
    """Read keys of 32 bytes in base64, commas between. Refuses with: BadValue."""
    try:
        keys = tuple(base64.b64decode(one.strip(), validate=True) for one in text.split(",") if one.strip())
    except (binascii.Error, ValueError):
        keys = ()
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise BadValue("a master key is 32 bytes in base64 (openssl rand -base64 32)", field="master_key")
    return keys


def key_id(key: bytes) -> bytes:
    """Return what a sealed secret names its key by."""
    return hashlib.sha256(b"tollwright master key" + key).digest()[:KEY_ID_BYTES]


def write_keys(path: Path, keys: Sequence[bytes]) -> None:
    """Write the keys of an installation, the newest first, in one step: a reader finds these or those before."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, b",".join(base64.b64encode(key) for key in keys) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)


class SealedVault:
    """Keeps ``domain.ports.transports.Vault``. ``folder``: ``file:NAME`` reads from its folder of the operator."""

    def __init__(
        self, *, keys: Sequence[bytes] = (), key_file: Path | None = None, folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._given = tuple(keys)
        self._from_file = False
        self._seen: tuple[int, int] | None = None  # which file the keys were read from: inode and time
        self._key_file = key_file
        self._folder = folder
        self._environment = os.environ if environment is None else environment

    @property
    def key_file(self) -> Path | None:
        """Where the keys lie; None: they came from the settings."""
        return self._key_file if self._from_file or not self._given else None

    def keys(self) -> tuple[bytes, ...]:
        """Return the keys, the newest first."""
        if not self._given:
            assert self._key_file is not None
            self._seen = _which(self._key_file)  # before it is read: one that comes between is read again
            self._given = read_keys(_kept(self._key_file))
            self._from_file = True
        return self._given

    def forget(self) -> None:
        """Read the file again when the next key is needed."""
        if self._from_file:
            self._given, self._from_file = (), False

    def seal(self, secret: str, *, about: str) -> bytes:
        """Encrypt with the newest key of the file as it is now: one may be forgotten beside a running server."""
        if self._from_file and self._key_file is not None and _which(self._key_file) not in {None, self._seen}:
            self.forget()
        nonce, key = secrets.token_bytes(NONCE_BYTES), self.keys()[0]
        return FORM + key_id(key) + nonce + AESGCM(key).encrypt(nonce, secret.encode(), about.encode())

    def is_newest(self, sealed: bytes) -> bool:
        """Tell whether the newest key sealed this."""
        return sealed[: 1 + KEY_ID_BYTES] == FORM + key_id(self.keys()[0])

    def open(self, sealed: bytes, *, about: str) -> str:
        """Decrypt. Raises Unopenable."""
        for keys in (self.keys, self._read_again):
            for key in _meant(sealed, keys()):
                start = 1 + KEY_ID_BYTES if sealed[:1] == FORM else 1
                nonce, text = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
                if len(nonce) == NONCE_BYTES:
                    with suppress(InvalidTag):
                        return AESGCM(key).decrypt(nonce, text, about.encode()).decode()
        raise Unopenable(about)

    def _read_again(self) -> tuple[bytes, ...]:
        known = self._given
        self.forget()
        return tuple(key for key in self.keys() if key not in known)

    def check_reference(self, reference: str, *, operator: int) -> None:
        """Look at a reference: it leads to the operator's own secrets alone. Refuses with: BadValue."""
        if not (_variable(reference, operator) or _FILE.fullmatch(reference)):
            raise BadValue(
                "a reference is env:{variable_prefix}{operator}_NAME, or file:NAME below secrets_dir/{operator}",
                variable_prefix=VARIABLE_PREFIX,
                operator=operator,
                field="credentials",
            )
        if reference.startswith("file:") and self._folder is None:
            raise BadValue(
                "secrets may not be read from files here: the setting secrets_dir is not set", field="credentials"
            )

    def refer(self, reference: str, *, operator: int) -> str:
        """Return what a reference stands for, without the line's end. Raises TransportFault, lasting."""
        if name := _variable(reference, operator):
            if value := self._environment.get(name):
                return value
            raise TransportFault(f"the variable {name} is not set where this runs", lasting=True)
        named = _FILE.fullmatch(reference)
        if named is None or self._folder is None:
            raise TransportFault("the secret's reference leads nowhere", lasting=True)
        try:
            handle = os.open(self._folder / str(operator) / named[1], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                return file.read(FILE_BYTES_MAX).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise TransportFault(f"the secret {named[1]} cannot be read from secrets_dir", lasting=True) from None


def _meant(sealed: bytes, keys: Sequence[bytes]) -> list[bytes]:
    """Return the keys that may have sealed this."""
    if sealed[:1] == FORM:
        return [key for key in keys if key_id(key) == sealed[1 : 1 + KEY_ID_BYTES]]
    return list(keys) if sealed[:1] == FORM_BEFORE else []


def _variable(reference: str, operator: int) -> str | None:
    """Return the variable that a reference names, where it is the operator's: his key stands in its name."""
    found = _VARIABLE.fullmatch(reference)
    return found[1] if found and found[2] == str(operator) else None


def _which(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from the one that takes its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _kept(path: Path) -> str:
    """Return the key of this installation, made where there is none; of two processes one makes it."""
    with suppress(FileNotFoundError):
        return path.read_text(encoding="ascii")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        os.fsync(handle)
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        os.close(handle)
        fresh.unlink()
    return path.read_text(encoding="ascii")
