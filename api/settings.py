"""What an installation may set: in the environment, in ``tollwright.toml``, or by default; read once, at the start.

The environment wins over the file. A setting ``name`` is ``TOLLWRIGHT_NAME`` in the environment and ``name`` in the
file; secrets may also come from a file named by ``TOLLWRIGHT_NAME_FILE``. ``DATABASE_URL`` keeps the name everybody
gives it. A name that is no setting is an error, so that a slip of the pen is not a silent default.
``TOLLWRIGHT_CONFIG`` names another file than ``tollwright.toml`` in the working directory.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_type_hints

from domain.access.chain import KEPT_LEAST
from domain.access.session import Lifetimes
from domain.refusal import BadValue

PREFIX: Final = "TOLLWRIGHT_"
# Read elsewhere: the settings' own file, and the tests' sample folder.
NOT_SETTINGS: Final = frozenset({"TOLLWRIGHT_CONFIG", "TOLLWRIGHT_SHARED"})
FILES_IN: Final = ("database", "folder")
SMTP_SECURITY: Final = ("starttls", "tls", "none")
DOCUMENTS: Final = ("off", "allowed", "only")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a setting: a line of help, whether it is secret, a variable of another name, its least value."""

    help: str
    secret: bool = False
    variable: str = ""
    least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, with its default."""

    data_dir: Annotated[Path, Words("directory of the embedded database, stored files and keys")] = Path(".tollwright")
    database_url: Annotated[
        str | None,
        Words(
            "postgresql://user:password@host:5432/name of your own PostgreSQL 15+; not set: the embedded one",
            secret=True,
            variable="DATABASE_URL",
        ),
    ] = dataclasses.field(default=None, repr=False)
    host: Annotated[str, Words("address to listen on; 0.0.0.0 for every interface")] = "127.0.0.1"
    port: Annotated[int, Words("port to listen on", least=1)] = 8080
    tls_certificate: Annotated[
        Path | None, Words("PEM file of the certificate and those above it; given, TLS is spoken and nothing else")
    ] = None
    tls_key: Annotated[Path | None, Words("PEM file of its key; not set: it is in the certificate's file")] = None
    tls_key_password: Annotated[str | None, Words("password of the key", secret=True)] = dataclasses.field(
        default=None, repr=False
    )
    tls_client_ca: Annotated[
        Path | None, Words("PEM file of CAs; given, none but clients with a certificate of theirs are heard (mTLS)")
    ] = None
    public_url: Annotated[str | None, Words("address clients use, for the WSDL; not set: http://host:port")] = None
    upload_max_bytes: Annotated[int, Words("largest file that may be uploaded", least=1)] = 2_000_000_000
    files_in: Annotated[
        str | None,
        Words(
            f"where the bytes of CDR files are kept, {' or '.join(FILES_IN)} (data_dir/files);"
            " not set: database where database_url is set, else folder"
        ),
    ] = None
    keep_files_days: Annotated[
        int, Words("how many days the bytes of a CDR file are kept when it is in; 0: for ever")
    ] = 0
    worker_jobs: Annotated[int, Words("how many jobs serve does at a time itself; 0: other processes do them")] = 1
    bill_processes: Annotated[
        int, Words("how many processes bill a run of many payers at once; 0: one for each core, four at most")
    ] = 0
    radius_clients: Annotated[
        Path | None, Words("TOML file of RADIUS clients; given, serve takes their accounting too, as tollwright radius")
    ] = None
    master_key: Annotated[
        str | None,
        Words("32 bytes in base64 that seal feeds' secrets; not set: data_dir/master.key, made at first", secret=True),
    ] = dataclasses.field(default=None, repr=False)
    secrets_dir: Annotated[Path | None, Words("folder that feeds' secrets may be read from, as file:NAME")] = None
    feed_folders: Annotated[
        str | None, Words("folders that feeds may read, : between; not set: data_dir/inbox/{operator}")
    ] = None
    transport_networks: Annotated[
        str | None, Words("private networks that feeds, webhooks and network elements may reach, such as 10.0.0.0/8")
    ] = None
    portal_url: Annotated[
        str | None,
        Words(
            "address of the pages where people sign in, for the links in mails; {operator} in it stands for the"
            " operator's code; not set: public_url"
        ),
    ] = None
    smtp_host: Annotated[str | None, Words("mail server that invitations and resets go out by; not set: none")] = None
    smtp_port: Annotated[int, Words("its port; 0: 587 for starttls, 465 for tls, 25 for none")] = 0
    smtp_security: Annotated[str, Words(f"one of {', '.join(SMTP_SECURITY)}")] = "starttls"
    smtp_user: Annotated[str | None, Words("whom to log in as there; not set: without a login")] = None
    smtp_password: Annotated[str | None, Words("the password of that login", secret=True)] = dataclasses.field(
        default=None, repr=False
    )
    smtp_ca: Annotated[Path | None, Words("certificates to know the mail server by, in place of the system's")] = None
    sms_url: Annotated[
        str | None, Words("gateway for text messages, with {to}, {text} in it where it is asked by GET")
    ] = None
    sms_template: Annotated[
        str | None, Words("what is posted to it, JSON or a form, with {to}, {text}, {sender}, {key}")
    ] = None
    sms_token: Annotated[str | None, Words("its bearer token", secret=True)] = dataclasses.field(
        default=None, repr=False
    )
    sms_sender: Annotated[str, Words("who text messages are from; not set: the operator's name")] = ""
    vies_url: Annotated[str, Words("the register that VAT ids are checked with")] = (
        "https://ec.europa.eu/taxation_customs/vies/rest-api"
    )
    mail_from: Annotated[str, Words("sender of mails, such as Billing <billing@operator.example>")] = (
        "tollwright@localhost"
    )
    password_memory_kib: Annotated[int, Words("memory of one argon2id hash, in KiB", least=8192)] = 19_456
    password_passes: Annotated[int, Words("passes of argon2id over it", least=1)] = 2
    password_lanes: Annotated[int, Words("lanes of argon2id", least=1)] = 1
    breached_passwords: Annotated[
        Path | None,
        Words("list of breached passwords (Pwned Passwords ordered by hash, SHA1:COUNT); none of it is taken"),
    ] = None
    requests_per_second_address: Annotated[
        int, Words("how many requests a second one address may make, five seconds' worth at once; 0: no limit")
    ] = 1000
    requests_per_second_client: Annotated[
        int, Words("how many requests a second one client or person may make, unless his operator says; 0: no limit")
    ] = 1000
    requests_per_second_account: Annotated[
        int, Words("how many requests a second all of an operator's clients may make, unless he says; 0: no limit")
    ] = 5000
    sign_ins_per_minute: Annotated[
        int, Words("how many attempts to sign in, and tokens, one address may ask for in a minute; 0: no limit")
    ] = 100
    missing_per_minute: Annotated[
        int, Words("how many things that are not there one client may ask for in a minute; 0: no limit")
    ] = 300
    request_seconds: Annotated[
        int,
        Words("seconds after which a request is given up; uploads, streams, bill runs and the like apart; 0: no limit"),
    ] = 30
    trusted_proxies: Annotated[
        str | None, Words("networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8, commas between")
    ] = None
    graphql_documents: Annotated[
        str,
        Words(
            "registered documents of GraphQL: off, allowed (they may be asked for by SHA-256), or only (and no others)"
        ),
    ] = "allowed"
    audit_days: Annotated[int, Words("how many days lines of the audit trail about changes are kept; 0: for ever")] = 0
    audit_reads_days: Annotated[int, Words("how many days lines about what was read are kept; 0: for ever")] = 400
    audit_refused_days: Annotated[int, Words("how many days lines about what was refused are kept; 0: for ever")] = 400
    audit_sign_in_days: Annotated[int, Words("how many days lines about sign-ins are kept; 0: for ever")] = 400
    audit_anchor_hours: Annotated[int, Words("how often the trail's chain is anchored by a signed hash", least=1)] = 24
    audit_anchor_file: Annotated[
        Path | None, Words("file outside of the database that anchors are added to, a signed token a line")
    ] = None
    einvoice_rules: Annotated[
        Path | None, Words("directory of the publishers' rules and schemas that e-invoices are checked by")
    ] = None
    einvoice_rules_may_miss: Annotated[
        bool, Words("let e-invoices leave whose publishers' rules are not there; only what is there is checked")
    ] = False
    demo_customers: Annotated[int, Words("how many customers the demo operator has", least=10)] = 300
    demo_calls: Annotated[int, Words("how many calls are dialled in the demo's month", least=100)] = 50_000
    session_hours: Annotated[int, Words("how long somebody stays signed in at most", least=1)] = 12
    session_idle_minutes: Annotated[int, Words("how long a session lives without being used", least=5)] = 60
    signing_key_days: Annotated[int, Words("how old a key gets that signs tokens; 0: only key rotate changes it")] = 90
    soap_password_anywhere: Annotated[
        int, Words("1: WS-Security's PasswordText also where neither TLS nor this machine keeps it from being read")
    ] = 0
    log_level: Annotated[str, Words(f"one of {', '.join(LOG_LEVELS)}")] = "info"

    @property
    def address(self) -> str:
        """The address clients use, without a slash at the end."""
        scheme = "http" if self.tls_certificate is None else "https"
        return (self.public_url or f"{scheme}://{self.host}:{self.port}").rstrip("/")

    def portal(self, operator: str) -> str:
        """Return where an operator's people sign in, without a slash at the end; ``operator`` is his code."""
        return (self.portal_url or self.address).replace("{operator}", operator).rstrip("/")

    @property
    def lifetimes(self) -> Lifetimes:
        """How long sessions and their tokens live."""
        return Lifetimes(session=timedelta(hours=self.session_hours), idle=timedelta(minutes=self.session_idle_minutes))

    @property
    def files_dir(self) -> Path:
        """Where stored files are, by their sha256, or are spooled where the database keeps them."""
        return self.data_dir / "files"

    @property
    def files_in_database(self) -> bool:
        """Whether the database keeps the bytes of files; an embedded one is reached by its own machine alone."""
        return self.database_url is not None if self.files_in is None else self.files_in == "database"

    @property
    def feed_roots(self) -> tuple[Path, ...]:
        """Below which folders of this machine feeds may read; ``{operator}`` stands for the operator's id."""
        if self.feed_folders is None:
            return (self.data_dir / "inbox" / "{operator}",)
        return tuple(Path(one) for one in self.feed_folders.split(":") if one)


HINTS: Final = {name: get_args(hint) for name, hint in get_type_hints(Settings, include_extras=True).items()}
FIELDS: Final[dict[str, Words]] = {name: words for name, (_, words) in HINTS.items()}


def variable(name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable("port"), variable("database_url")
    ('TOLLWRIGHT_PORT', 'DATABASE_URL')
    """
    return FIELDS[name].variable or PREFIX + name.upper()


def read(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings.

    Refuses with: BadValue (an unknown name, a value not of its kind, a file that cannot be read).
    """
    environment = os.environ if environment is None else environment
    values = _from_file(environment, folder or Path.cwd()) | _from_environment(environment)
    result = Settings(**values)
    if result.log_level not in LOG_LEVELS:
        raise BadValue(f"{result.log_level!r} is none of {', '.join(LOG_LEVELS)}", field="log_level")
    if result.files_in not in {None, *FILES_IN}:
        raise BadValue(f"{result.files_in!r} is none of {', '.join(FILES_IN)}", field="files_in")
    if result.smtp_security not in SMTP_SECURITY:
        raise BadValue(f"{result.smtp_security!r} is none of {', '.join(SMTP_SECURITY)}", field="smtp_security")
    for name in ("audit_days", "audit_reads_days", "audit_refused_days", "audit_sign_in_days"):
        if 0 < (days := getattr(result, name)) < KEPT_LEAST.days:
            raise BadValue(
                f"{days} days are too few: lines are kept {KEPT_LEAST.days} days at least, or 0 for ever", field=name
            )
    if result.graphql_documents not in DOCUMENTS:
        raise BadValue(f"{result.graphql_documents!r} is none of {', '.join(DOCUMENTS)}", field="graphql_documents")
    if result.port > 65535:
        raise BadValue(f"{result.port} is no port: 1 to 65535", field="port")
    return result


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = set(NOT_SETTINGS)
    for name, words in FIELDS.items():
        key = variable(name)
        known.add(key)
        text = environment.get(key)
        if words.secret:
            known.add(f"{key}_FILE")
            if path := environment.get(f"{key}_FILE"):
                if text:
                    raise BadValue(f"{key} and {key}_FILE are both set: keep one", field=key)
                text = _secret(Path(path), f"{key}_FILE")
        if text:
            found[name] = _value(name, text, key)
    for key in environment:
        if key.startswith(PREFIX) and key not in known:
            raise BadValue(f"no such setting{_nearest(key, sorted(known))}", field=key)
    return found


def _from_file(environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    named = environment.get("TOLLWRIGHT_CONFIG")
    path = Path(named) if named else folder / "tollwright.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if named:
            raise BadValue(f"{path} is not there", field="TOLLWRIGHT_CONFIG") from error
        return {}
    except (OSError, ValueError) as error:
        raise BadValue(f"cannot be read: {error}", field=str(path)) from error
    for name in document:
        if name not in FIELDS:
            raise BadValue(f"no such setting{_nearest(name, sorted(FIELDS))}", field=f"{path}: {name}")
    return {name: _value(name, value, f"{path}: {name}") for name, value in document.items()}


def _secret(path: Path, key: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadValue(f"{path} cannot be read: {error}", field=key) from error


def _value(name: str, value: object, place: str) -> object:
    """Turn a text of the environment, or a value of the file, into the setting's type."""
    kind = HINTS[name][0]
    if kind is int:
        text = str(value).replace("_", "")
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            raise BadValue(f"{value!r} is not a whole number", field=place)
        if int(text) < (least := FIELDS[name].least):
            raise BadValue(f"{value} is less than {least}", field=place)
        return int(text)
    if not isinstance(value, str) or not value or "\0" in value:
        raise BadValue(f"{value!r} is not a text", field=place)
    return Path(value) if kind in {Path, Path | None} else value


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
