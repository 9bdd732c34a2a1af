"""Mail by SMTP (RFC 5321), with STARTTLS or TLS from the first byte, and a login where the server wants one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from enum import StrEnum
from typing import Final

import aiosmtplib

from domain.ports.clock import Clock
from domain.ports.mail import Letter, MailFault

TIMEOUT_SECONDS: Final = 30.0
_TRY_AGAIN: Final = range(400, 500)


class Security(StrEnum):
    """How the connection is encrypted. ``none``: not at all, for a server on this machine."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


PORTS: Final = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where mail is handed in, and as whom. ``ca``: certificates in a file, in place of the system's."""

    host: str
    port: int
    security: Security
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None


class SmtpMailer:
    """Keeps ``domain.ports.mail.Mailer``; one connection a letter, since there are few."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock

    async def send(self, letter: Letter) -> None:
        """Send. Raises MailFault."""
        server = self._server
        context = ssl.create_default_context(cafile=server.ca) if server.security is not Security.NONE else None
        try:
            await aiosmtplib.send(
                self._written(letter),
                sender=_address(server.sender).addr_spec,
                recipients=[letter.to],
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.security is Security.TLS,
                start_tls=server.security is Security.STARTTLS,
                tls_context=context,
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as no:
            codes = [one.code for one in no.recipients]
            raise MailFault(
                f"the mail server does not take the address ({codes[0]})", lasting=all(map(_lasts, codes))
            ) from None
        except aiosmtplib.SMTPResponseException as no:
            raise MailFault(f"the mail server said {no.code}", lasting=_lasts(no.code)) from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPReadTimeoutError) as cut:
            # It was reached and fell silent: what was under way it may have taken.
            said = f"the mail server at {server.host}:{server.port} broke off: {type(cut).__name__}"
            raise MailFault(said, uncertain=True) from None
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as fault:
            # Its text may hold what was sent, so only its kind is told.
            raise MailFault(f"the mail server at {server.host}:{server.port}: {type(fault).__name__}") from None

    def _written(self, letter: Letter) -> EmailMessage:
        """Write the message. Its headers are made by the library, which lets no line end into one."""
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = _address(self._server.sender)
            message["To"] = Address(display_name=_line(letter.name), addr_spec=letter.to)
            message["Subject"] = _line(letter.subject)
        except (ValueError, IndexError) as wrong:
            raise MailFault(f"a header cannot be written: {type(wrong).__name__}", lasting=True) from None
        message["Date"] = format_datetime(self._clock.now())
        domain = _address(self._server.sender).domain
        message["Message-ID"] = f"<{letter.key}@{domain}>" if letter.key else make_msgid(domain=domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
        message.set_content(letter.text)
        message["Content-Language"] = letter.language  # which setting the content would take away
        for each in letter.attachments:
            main, _, sub = each.media.partition("/")
            message.add_attachment(each.content, maintype=main, subtype=sub, filename=_line(each.name))
        return message


class NoMailer:
    """Stands in where the installation names no mail server: every letter waits until it does."""

    async def send(self, letter: Letter) -> None:
        """Raise MailFault."""
        del letter
        raise MailFault("no mail server is set: TOLLWRIGHT_SMTP_HOST", absent=True)


def _address(text: str) -> Address:
    """Read ``Name <address>``, or an address alone."""
    name, sharp, rest = text.rpartition("<")
    return (
        Address(display_name=name.strip().strip('"'), addr_spec=rest.rstrip("> ")) if sharp else Address(addr_spec=text)
    )


def _line(text: str) -> str:
    """Return a text as one line."""
    return " ".join(text.split())


def _lasts(code: int) -> bool:
    return code not in _TRY_AGAIN
