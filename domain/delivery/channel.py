"""A way that an operator has set up for some forms of documents: an access point's REST, a drop of files, mail, print.

An access point is a template: where a document is posted, with which headers, raw or inside JSON, where the answer
names the reference, and how the state is asked for. ``{name}`` in a template stands for what is known of the document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.customers.customer import Delivery
from domain.delivery.dispatch import DispatchState, Form, Way
from domain.feeds.feed import Credential
from domain.ids import ChannelId, OperatorId
from domain.invoicing.invoice import DocumentKind
from domain.refusal import BadValue

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
TEXT_MAX: Final = 2000
HEADERS_MAX: Final = 20
SECRETS: Final = frozenset(
    {"token", "password", "private_key", "passphrase", "access_key", "secret_key", "session_token"}
)
KNOWN: Final = frozenset(
    {
        "number",
        "kind",
        "form",
        "sender",
        "recipient",
        "digest",
        "idempotency_key",
        "reference",
        "document_type",
        "token",
    }
)
CAPABILITY_DAYS: Final = 7
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_PATH: Final = re.compile(r"[A-Za-z0-9_-]{1,60}(\.[A-Za-z0-9_-]{1,60}){0,9}", re.ASCII)
_ZONE: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,40}", re.ASCII)
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)


class Body(StrEnum):
    """How a document stands in the request: as it is, or as base64 (XML: as text) in a field of JSON."""

    RAW = "raw"
    JSON_BASE64 = "json_base64"
    JSON_TEXT = "json_text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a channel does. ``address``: the URL of an access point, or a place of files (``sftp://…``).

    ``envelope`` are the other fields of a JSON body; ``reference_path`` and ``state_path`` where an answer says them,
    dots between names. ``status_url`` is asked until the document is at an end; without one they call back, or a file
    tells. ``states`` are their words for ours. ``lookup_url`` tells what a recipient can take, ``forms_path`` where;
    ``sml`` is the zone of a network's own register (Peppol's) that tells it instead.
    ``intermediary`` is the seller's own in Finvoice. ``file_name`` is what a dropped file is called.
    ``otherwise``: how a document goes whose recipient cannot take it.
    """

    address: str = ""
    host_keys: tuple[str, ...] = ()
    ca: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = Body.RAW
    document_field: str = "document"
    envelope: tuple[tuple[str, str], ...] = ()
    reference_path: str = "id"
    state_path: str = "status"
    status_url: str | None = None
    states: tuple[tuple[str, str], ...] = ()
    lookup_url: str | None = None
    forms_path: str = "documentTypes"
    sml: str | None = None
    intermediary: str | None = None
    file_name: str = "{kind}-{number}.{extension}"
    otherwise: Delivery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as it is kept. ``credentials`` are sealed, or references."""

    id: ChannelId
    operator: OperatorId
    code: str
    way: Way
    forms: tuple[Form, ...]
    settings: Settings
    credentials: Mapping[str, Credential] = field(default_factory=dict, repr=False)
    active: bool = True
    version: int = 0

    def about(self, name: str) -> str:
        """Return what a secret of it is bound to: a change of any host that it is told makes it useless."""
        said = self.settings
        others = {host_of(one) for one in (said.status_url, said.lookup_url) if one} - {host_of(said.address)}
        hosts = " ".join([host_of(said.address), *sorted(others)])
        return f"{self.operator}:channel:{self.code}:{hosts}:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What a recipient can take, as somebody said at an instant.

    ``documents`` are kinds that were named, such as ``peppol/invoice`` (``named``); a form of which none was is taken
    whole. ``forms`` has a form that an invoice or a credit note is taken in.
    """

    endpoint: str
    forms: tuple[Form, ...]
    looked_at: datetime
    source: str
    documents: tuple[str, ...] = ()

    def takes(self, form: Form, kind: DocumentKind, *, self_billed: bool = False) -> bool:
        """Tell whether the recipient takes such a document.

        >>> now = datetime(2026, 11, 1)
        >>> one = Capability(endpoint="0007:1", forms=(Form.PEPPOL,), looked_at=now, source="ap",
        ...                  documents=("peppol/invoice",))
        >>> one.takes(Form.PEPPOL, DocumentKind.INVOICE), one.takes(Form.PEPPOL, DocumentKind.CREDIT_NOTE)
        (True, False)
        """
        if any(each.startswith(f"{form.value}/") for each in self.documents):
            return named(form, kind, self_billed=self_billed) in self.documents
        return form in self.forms and not self_billed  # what nobody names is what everybody sends

    def fresh(self, at: datetime) -> bool:
        """Tell whether it need not be asked for again."""
        return at - self.looked_at < timedelta(days=CAPABILITY_DAYS)


def named(form: Form, kind: DocumentKind, *, self_billed: bool = False) -> str:
    """Return the name of a kind of document that a recipient takes.

    >>> named(Form.PEPPOL, DocumentKind.CREDIT_NOTE, self_billed=True)
    'peppol/self_billed_credit_note'
    """
    return f"{form.value}/{'self_billed_' if self_billed else ''}{kind.value}"


def host_of(address: str) -> str:
    """Return the scheme and host of an address, which a secret is for.

    >>> host_of("https://ap.example:8443/send/{number}"), host_of("sftp://u@h/x")
    ('https://ap.example:8443', 'sftp://u@h')
    """
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def check(channel: Channel) -> Channel:
    """Return a channel. Refuses with: BadValue, naming the field."""
    said = channel.settings
    if not CODE.fullmatch(channel.code):
        raise BadValue("a code has 1 to {most} letters, digits, dots, hyphens or underscores", most=40, field="code")
    if not channel.forms or len(set(channel.forms)) != len(channel.forms):
        raise BadValue("a channel is for one or more forms, each once", field="forms")
    if channel.way in {Way.MAIL, Way.PRINT} and channel.forms != (Form.PDF,):
        raise BadValue("what is mailed or printed is a PDF", field="forms")
    for name, text in (("address", said.address), ("statusUrl", said.status_url), ("lookupUrl", said.lookup_url)):
        check_template(text or "", field=name)
        if _PLACE.search(host_of(text or "")):
            raise BadValue("a document is put to one host: no places before the path", field=name)
    if len(said.headers) > HEADERS_MAX:
        raise BadValue("at most {most} headers", most=HEADERS_MAX, field="headers")
    for header, text in said.headers:
        if not _HEADER.fullmatch(header) or header.lower() in {"host", "content-length", "transfer-encoding"}:
            raise BadValue("{name} is no header that can be set", name=repr(header), field="headers")
        check_template(text, field="headers")
    for name, text in said.envelope:
        if not _HEADER.fullmatch(name):
            raise BadValue("{name} is no field of JSON here", name=repr(name), field="envelope")
        check_template(text, field="envelope")
    for name, path in (
        ("referencePath", said.reference_path),
        ("statePath", said.state_path),
        ("formsPath", said.forms_path),
    ):
        if not _PATH.fullmatch(path):
            raise BadValue("a path is names with dots between, such as result.id", field=name)
    for theirs, ours in said.states:
        if ours not in {DispatchState.SENT, DispatchState.ACCEPTED, DispatchState.DELIVERED, DispatchState.REJECTED}:
            raise BadValue(
                "{theirs} stands for {ours}, which is none of sent, accepted, delivered and rejected",
                theirs=theirs,
                ours=ours,
                field="states",
            )
    if said.otherwise not in {None, Delivery.PDF, Delivery.EMAIL, Delivery.PRINT}:
        raise BadValue("what cannot be taken goes as pdf, email or print", field="otherwise")
    if not set(_PLACE.findall(said.file_name)) <= KNOWN | {"extension"} or "/" in said.file_name:
        raise BadValue("a file name has no / and the places that the documentation lists", field="fileName")
    if said.sml is not None and (said.lookup_url is not None or not _ZONE.fullmatch(said.sml)):
        raise BadValue(
            "what recipients can take is asked of a zone such as edelivery.tech.ec.europa.eu, or of an address",
            field="sml",
        )
    if channel.way in {Way.ACCESS_POINT, Way.DROP} and not said.address:
        raise BadValue("a channel of this way has an address", field="address")
    return channel


def check_template(text: str, *, field: str) -> str:
    """Return a template. Refuses with: BadValue (too long, control characters, a place that nothing is known of)."""
    if len(text) > TEXT_MAX or not text.isprintable():
        raise BadValue("a template has at most {most} printable characters", most=TEXT_MAX, field=field)
    for name in _PLACE.findall(text):
        if name not in KNOWN:
            raise BadValue(
                "{name} is no place of a template; there are {known}",
                name=f"{{{name}}}",
                known=", ".join(sorted(KNOWN)),
                field=field,
            )
    return text


def filled(text: str, known: Mapping[str, str]) -> str:
    """Return a template with what is known in its places; what is not known is empty.

    >>> filled("/docs/{number}?x={reference}", {"number": "1"})
    '/docs/1?x='
    """
    return _PLACE.sub(lambda found: known.get(found[1], ""), text)
