"""The only module that sees adapters: plain calls build everything once, for the server, the command line and tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from api import settings as installation
from api.clock import SystemClock
from api.hands import ProcessHands
from api.journal import Journal
from api.keeping import Marking
from api.settings import Settings
from api.turns import Turns
from domain.intake.raters import Raters
from domain.ports.access import Directory
from domain.ports.clock import Clock
from domain.ports.credentials import Credentials
from domain.ports.documents import Documents, EinvoiceRules
from domain.ports.exchange import RateFiles
from domain.ports.factors import Factors
from domain.ports.files import Blobs
from domain.ports.hands import NO_HANDS, Hands
from domain.ports.intake import Formats
from domain.ports.jobs import Queue
from domain.ports.ledger_papers import LedgerPapers
from domain.ports.limiting import Buckets
from domain.ports.mail import Mailer
from domain.ports.news import News
from domain.ports.oidc import OidcClient
from domain.ports.passwords import Passwords
from domain.ports.payments import OrderWriter, PaymentReader
from domain.ports.provisioning import Network as NetworkElements
from domain.ports.sheets import Sheets
from domain.ports.standing import Standing
from domain.ports.taking import Archives
from domain.ports.taxes import VatRegister
from domain.ports.texts import Texter
from domain.ports.trail import TrailKeeper
from domain.ports.transports import Transports, Vault
from domain.ports.unit import Begin
from domain.ports.webhooks import Deliveries, Http
from domain.refusal import BadValue
from integrations.access.argon2id import Argon2Passwords
from integrations.access.guessing import KnownPasswords
from integrations.access.one_time import PyotpCodes
from integrations.access.pictures import QrPictures
from integrations.access.security_keys import WebAuthnKeys
from integrations.cdr.formats import ShippedFormats
from integrations.einvoice.rules import Checker
from integrations.ledger.papers import PrintedPapers
from integrations.mail.smtp import PORTS, NoMailer, Security, Server, SmtpMailer
from integrations.oidc import CheckedOidc
from integrations.payments.formats import read as read_payment_file
from integrations.payments.writing import write as write_payment_file
from integrations.printing.documents import InvoiceDocuments
from integrations.provisioning.elements import KnownElements
from integrations.rates.files import BankRates
from integrations.registers.vies import Vies
from integrations.sheets.rows import SheetFiles
from integrations.texts.gateway import Gateway, GatewayTexter, NoTexter
from integrations.transports.addresses import Network, read_networks
from integrations.transports.archives import ZipArchives
from integrations.transports.http import CheckedHttp
from integrations.transports.registry import KnownTransports
from persistence.access import DirectoryReader
from persistence.away import DatabaseAway
from persistence.blobs import FileBlobs
from persistence.chaining import MemoryTrail, StoredTrail
from persistence.credentials import StoredCredentials
from persistence.embedded import reach
from persistence.engine import CONNECTIONS_MAX, Database
from persistence.jobs import StoredQueue
from persistence.limiting import MemoryBuckets, StoredBuckets
from persistence.memory import MemoryDatabase
from persistence.memory_access import MemoryDirectory
from persistence.memory_credentials import MemoryCredentials
from persistence.memory_jobs import MemoryQueue
from persistence.memory_webhooks import MemoryDeliveries
from persistence.migrate import migrate, steps
from persistence.news import MemoryNews, StoredNews
from persistence.standing import QuietStanding, StoredStanding
from persistence.stored_blobs import StoredBlobs
from persistence.units import MemoryUnits, StoredUnits
from persistence.vault import SealedVault, read_keys
from persistence.webhooks import StoredDeliveries

# An import writes two chunks at a time and looks whether prices have changed.
CONNECTIONS_PER_JOB: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything that drives the use cases. ``database`` is there for operations alone; None: all is in memory."""

    settings: Settings
    begin: Begin
    clock: Clock
    directory: Directory
    credentials: Credentials
    standing: Standing
    blobs: Blobs
    formats: Formats
    raters: Raters
    queue: Queue
    documents: Documents
    rules: EinvoiceRules
    news: News
    transports: Transports
    vault: Vault
    http: Http
    deliveries: Deliveries
    network: NetworkElements
    oidc: OidcClient
    trail: TrailKeeper
    journal: Journal
    buckets: Buckets
    passwords: Passwords
    mailer: Mailer
    vat_register: VatRegister
    texter: Texter = field(default_factory=NoTexter)
    papers: LedgerPapers = field(default_factory=PrintedPapers)
    factors: Factors = field(
        default_factory=lambda: Factors(codes=PyotpCodes(), keys=WebAuthnKeys(), pictures=QrPictures())
    )
    turns: Turns = field(default_factory=Turns)
    archives: Archives = field(default_factory=ZipArchives)
    sheets: Sheets = field(default_factory=SheetFiles)
    rate_files: RateFiles = field(default_factory=BankRates)
    read_payments: PaymentReader = read_payment_file
    write_payments: OrderWriter = write_payment_file
    hands: Hands = NO_HANDS
    database: Database | None = None


def _vault(settings: Settings) -> SealedVault:
    keys = read_keys(settings.master_key) if settings.master_key else ()
    return SealedVault(keys=keys, key_file=settings.data_dir / "master.key", folder=settings.secrets_dir)


def _networks(settings: Settings) -> tuple[Network, ...]:
    """Return the private networks that may be reached. Refuses with: BadValue (a setting that is none)."""
    try:
        return read_networks(settings.transport_networks or "")
    except ValueError as wrong:
        raise BadValue("{wrong}: networks are such as 10.0.0.0/8", wrong=wrong, field="transport_networks") from None


def _transports(settings: Settings) -> KnownTransports:
    """Return the transports within the installation's limits."""
    return KnownTransports(roots=settings.feed_roots, networks=_networks(settings))


def _passwords(settings: Settings) -> Passwords:
    return Argon2Passwords(
        KnownPasswords(settings.breached_passwords),
        memory_kib=settings.password_memory_kib,
        passes=settings.password_passes,
        lanes=settings.password_lanes,
    )


def _mailer(settings: Settings, clock: Clock) -> Mailer:
    if settings.smtp_host is None:
        return NoMailer()
    security = Security(settings.smtp_security)
    server = Server(
        host=settings.smtp_host,
        port=settings.smtp_port or PORTS[security],
        security=security,
        sender=settings.mail_from,
        user=settings.smtp_user,
        password=settings.smtp_password,
        ca=None if settings.smtp_ca is None else str(settings.smtp_ca),
    )
    return SmtpMailer(server, clock)


def _texter(settings: Settings) -> Texter:
    if settings.sms_url is None:
        return NoTexter()
    gateway = Gateway(
        address=settings.sms_url,
        template=settings.sms_template,
        token=settings.sms_token,
        sender=settings.sms_sender,
    )
    return GatewayTexter(CheckedHttp(_networks(settings)), gateway)


def _blobs(database: Database, settings: Settings) -> Blobs:
    kept = settings.files_in_database
    return StoredBlobs(database, settings.files_dir) if kept else FileBlobs(settings.files_dir)


def on_database(database: Database, settings: Settings, *, clock: Clock | None = None) -> Wiring:
    """Wire an open, migrated database."""
    trail, vault = StoredTrail(database), _vault(settings)
    return Wiring(
        settings=settings,
        begin=Marking(StoredUnits(database)),
        clock=clock or SystemClock(),
        directory=DirectoryReader(database),
        credentials=StoredCredentials(database, vault),
        standing=StoredStanding(database),
        blobs=_blobs(database, settings),
        formats=ShippedFormats(),
        raters=Raters(),
        queue=StoredQueue(database),
        documents=InvoiceDocuments(),
        rules=Checker(settings.einvoice_rules, rules_may_miss=settings.einvoice_rules_may_miss),
        news=StoredNews(database.url),
        transports=_transports(settings),
        vault=vault,
        http=CheckedHttp(_networks(settings)),
        deliveries=StoredDeliveries(database),
        network=KnownElements(CheckedHttp(_networks(settings)), clock or SystemClock()),
        oidc=CheckedOidc(CheckedHttp(_networks(settings))),
        passwords=_passwords(settings),
        mailer=_mailer(settings, clock or SystemClock()),
        texter=_texter(settings),
        vat_register=Vies(CheckedHttp(_networks(settings)), settings.vies_url, clock or SystemClock()),
        trail=trail,
        journal=Journal(trail, clock or SystemClock()),
        buckets=StoredBuckets(database),
        hands=ProcessHands(database.url, settings.bill_processes),
        database=database,
    )


def in_memory(settings: Settings, *, clock: Clock | None = None) -> Wiring:
    """Wire the twin in memory, which is empty at first and gone at the end; files lie in the settings' directory."""
    memory = MemoryDatabase()
    trail = MemoryTrail()
    news = MemoryNews()
    memory.tell = news.tell
    return Wiring(
        settings=settings,
        begin=Marking(MemoryUnits(memory)),
        clock=clock or SystemClock(),
        directory=MemoryDirectory(memory),
        credentials=MemoryCredentials(memory),
        standing=QuietStanding(),
        blobs=FileBlobs(settings.files_dir),
        formats=ShippedFormats(),
        raters=Raters(),
        queue=MemoryQueue(memory, clock or SystemClock()),
        documents=InvoiceDocuments(),
        rules=Checker(settings.einvoice_rules, rules_may_miss=settings.einvoice_rules_may_miss),
        news=news,
        transports=_transports(settings),
        vault=_vault(settings),
        http=CheckedHttp(_networks(settings)),
        deliveries=MemoryDeliveries(memory, clock or SystemClock()),
        network=KnownElements(CheckedHttp(_networks(settings)), clock or SystemClock()),
        oidc=CheckedOidc(CheckedHttp(_networks(settings))),
        trail=trail,
        journal=Journal(trail, clock or SystemClock()),
        buckets=MemoryBuckets(memory),
        passwords=_passwords(settings),
        mailer=_mailer(settings, clock or SystemClock()),
        texter=_texter(settings),
        vat_register=Vies(CheckedHttp(_networks(settings)), settings.vies_url, clock or SystemClock()),
    )


@asynccontextmanager
async def opened(
    settings: Settings | None = None, *, migrating: bool = False, jobs: int = 0, connections_kept: int = 1
) -> AsyncIterator[Wiring]:
    """Reach the database of the settings, starting the embedded one where there is no other, and wire it.

    ``jobs``: how many a worker does here at a time, each with connections of its own. ``connections_kept`` stay open.
    The embedded database is brought to this release always, one's own only where ``migrating`` says so.
    Raises ``DatabaseAway`` where it cannot be reached, or its schema is not of this release.
    """
    settings = settings or installation.read()
    with reach(settings.database_url, settings.data_dir) as url:
        connections = CONNECTIONS_MAX + CONNECTIONS_PER_JOB * jobs
        async with await Database.open(url, connections_max=connections, connections_kept=connections_kept) as database:
            if migrating or settings.database_url is None:
                await migrate(database)
            elif not all(step.applied and step.known for step in await steps(database)):
                raise DatabaseAway("the database is not of this release: run tollwright db migrate")
            yield on_database(database, settings)
