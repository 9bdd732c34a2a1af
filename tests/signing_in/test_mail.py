"""Links and notices, mailed by jobs to a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ipaddress
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.clock import SystemClock
from api.settings import Settings
from api.wiring import on_database
from api.worker import Worker
from domain.access.actor import system
from domain.ids import OperatorId
from domain.ports.mail import Letter, MailFault
from domain.usecases.change_user import ChangeUser, change_user
from domain.usecases.invite_user import InviteUser, invite_again, invite_user
from integrations.mail.smtp import NoMailer, Security, Server, SmtpMailer
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.signing_in.people import PASSWORD, level, link_of, make_portal, person


@dataclass
class Post:
    """A mail server in this process, and what it took."""

    taken: list[Any] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(envelope)
        return "250 OK"

    def letters(self) -> list[EmailMessage]:
        return [email.message_from_bytes(one.content, policy=email.policy.default) for one in self.taken]  # type: ignore[misc]


@asynccontextmanager
async def listening(post: Post, **options: Any) -> AsyncIterator[int]:
    """Run a mail server in this loop; yields its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, hostname="localhost", loop=loop, **options), host="127.0.0.1", port=0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    made = Post()
    async with listening(made) as made.port:
        yield made


@pytest.fixture
async def mailing(house: House, post: Post, tmp_path: Path) -> House:
    """The house, with a mail server and a portal's address."""
    settings = Settings(
        data_dir=tmp_path,
        public_url="https://billing.example",
        portal_url="https://portal.example/{operator}",
        smtp_host="127.0.0.1",
        smtp_port=post.port,
        smtp_security="none",
        mail_from="North Billing <billing@north.example>",
    )
    wired = on_database(house.database, settings, clock=house.clock)
    return replace(house, wiring=wired)


async def work(house: House) -> None:
    await Worker(house.wiring).run(until_idle=True)


async def job_texts(house: House) -> str:
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select to_jsonb(j)::text as t from job j")
    return "\n".join(row["t"] for row in rows)


async def invite(house: House, address: str, language: str = "sv", name: str = "Åsa Öberg") -> Any:
    cmd = InviteUser(email=address, name=name, language=language, level=await level(house, "support"))
    return await invite_user(cmd, actor=system(OperatorId(1)), begin=house.wiring.begin, clock=house.clock)


async def test_a_letter_with_a_key_has_the_same_message_id_each_time(post: Post) -> None:
    mailer = SmtpMailer(
        Server(host="127.0.0.1", port=post.port, security=Security.NONE, sender="a@b.example"), SystemClock()
    )
    letter = Letter(to="x@y.example", name="X", subject="S", text="T", key="invoice-1-2-0")
    await mailer.send(letter)
    await mailer.send(letter)
    assert [one["Message-ID"] for one in post.letters()] == ["<invoice-1-2-0@b.example>"] * 2


@pytest.mark.parametrize(("last", "uncertain"), [(b"DATA", True), (b"EHLO", True), (None, False)])
async def test_a_server_that_breaks_off_leaves_it_uncertain(last: bytes | None, uncertain: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        while line := await reader.readline():
            if line.strip() == b"." or (last == b"EHLO" and line.startswith(last)):
                break
            if line.startswith((b"EHLO", b"MAIL", b"RCPT")):
                writer.write(b"250 OK\r\n")
            elif line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if last is None:
        server.close()
        await server.wait_closed()
    mailer = SmtpMailer(
        Server(host="127.0.0.1", port=port, security=Security.NONE, sender="a@b.example"), SystemClock()
    )
    with pytest.raises(MailFault) as fault:
        await mailer.send(Letter(to="x@y.example", name="X", subject="S", text="T"))
    assert (fault.value.uncertain, fault.value.lasting) == (uncertain, False)
    server.close()


async def test_an_invitation_is_mailed_and_its_link_opens_once(mailing: House, post: Post) -> None:
    user = await invite(mailing, "asa@north.example")
    assert post.taken == []  # the commit did not wait for the mail server
    await work(mailing)
    (letter,) = post.letters()
    assert post.taken[0].rcpt_tos == ["asa@north.example"]
    assert str(letter["To"]) == "Åsa Öberg <asa@north.example>"
    assert str(letter["From"]) == "North Billing <billing@north.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_content()
    (link,) = re.findall(r"https?://\S+", text)
    assert link.startswith("https://portal.example/north/accept-invitation#token=1-")
    token = link.partition("#token=")[2]
    assert token not in await job_texts(mailing)
    portal = await make_portal(mailing)
    value = {"token": token, "password": PASSWORD}
    wanted = "... on Accepted { accepted }"
    assert await portal.mutate("acceptInvitation", "ChoosePasswordInput", value, wanted) == {"accepted": True}
    assert (await portal.mutate("acceptInvitation", "ChoosePasswordInput", value, wanted))["code"] == "NOT_ALLOWED"
    assert "redirectUri" in await portal.login("asa@north.example")
    async with mailing.wiring.begin(system(OperatorId(1))) as unit:
        assert (await unit.users.get(user.id)).state.value == "active"


async def test_p3_a_reset_goes_to_who_is_there_and_says_nothing(mailing: House, post: Post) -> None:
    portal = await make_portal(mailing)
    user = await person(mailing, "anna@north.example")
    token = await portal.session("anna@north.example")
    await work(mailing)
    post.taken.clear()
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    query = "mutation($i: RequestResetInput!) { requestReset(input: $i) { ... on Accepted { accepted } } }"
    answers = []
    for address in ("Anna@north.example", "nobody@north.example", "anna@north.example\r\nBcc: x@evil.example"):
        body = {"query": query, "variables": {"i": {"email": address, "clientId": portal.client_id}}}
        answers.append((await mailing.http.post("/graphql", json=body, headers=headers)).text)
    assert set(answers) == {'{"data":{"requestReset":{"accepted":true}}}'}
    await work(mailing)
    (letter,) = post.letters()
    text = letter.get_content()
    assert "evil" not in letter.as_string()
    (link,) = re.findall(r"https?://\S+", text)
    assert link.startswith("https://portal.example/north/reset-password#token=")
    value = {"token": link.partition("#token=")[2], "password": "Sju sjösjuka sjömän"}
    # Who asks again within the minute gets no second letter.
    await portal.mutate(
        "requestReset",
        "RequestResetInput",
        {"email": "anna@north.example", "clientId": portal.client_id},
        "... on Accepted { accepted }",
    )
    await work(mailing)
    assert len(post.taken) == 1
    wanted = "... on Accepted { accepted }"
    assert await portal.mutate("resetPassword", "ChoosePasswordInput", value, wanted) == {"accepted": True}
    assert (await portal.mutate("resetPassword", "ChoosePasswordInput", value, wanted))["code"] == "NOT_ALLOWED"
    assert "redirectUri" not in await portal.login("anna@north.example")
    assert "redirectUri" in await portal.login("anna@north.example", "Sju sjösjuka sjömän")
    async with mailing.database.transaction(role=OWNER) as unit:
        living = await unit.connection.fetchval(
            "select count(*) from user_session where user_id = $1 and ended_at is null", user.id
        )
    assert living == 1  # of the two before none is left
    assert token
    await work(mailing)
    assert "lösenord" in post.letters()[-1].get_content() or "password" in post.letters()[-1].get_content()


async def test_who_was_invited_gets_no_letter_each_time_that_somebody_asks(mailing: House, post: Post) -> None:
    """Nobody who does not say who he is ends the link that lies in the mailbox; an administrator does."""
    user = await invite(mailing, "asa@north.example")
    await work(mailing)
    portal = await make_portal(mailing)
    (first,) = re.findall(r"https?://\S+", post.letters()[0].get_content())
    for _ in range(3):
        await portal.mutate(
            "requestReset",
            "RequestResetInput",
            {"email": "asa@north.example", "clientId": portal.client_id},
            "... on Accepted { accepted }",
        )
        mailing.clock.at += timedelta(minutes=10)
        await work(mailing)
    assert len(post.letters()) == 1
    mailing.clock.at += timedelta(minutes=40)
    await portal.mutate(
        "requestReset",
        "RequestResetInput",
        {"email": "asa@north.example", "clientId": portal.client_id},
        "... on Accepted { accepted }",
    )
    await work(mailing)
    assert len(post.letters()) == 2
    await invite_again(user.id, actor=system(OperatorId(1)), begin=mailing.wiring.begin)
    await work(mailing)
    letters = post.letters()
    assert len(letters) == 3
    (last,) = re.findall(r"https?://\S+", letters[2].get_content())
    assert last != first


async def test_a_reset_is_too_old_after_an_hour(mailing: House, post: Post) -> None:
    portal = await make_portal(mailing)
    await person(mailing, "anna@north.example")
    await work(mailing)
    asked = {"email": "anna@north.example", "clientId": portal.client_id}
    await portal.mutate("requestReset", "RequestResetInput", asked, "... on Accepted { accepted }")
    await work(mailing)
    token = re.findall(r"#token=(\S+)", post.letters()[-1].get_content())[0]
    mailing.clock.at += timedelta(hours=1)
    value = {"token": token, "password": "Sju sjösjuka sjömän"}
    answer = await portal.mutate("resetPassword", "ChoosePasswordInput", value, "... on Accepted { accepted }")
    assert answer["code"] == "NOT_ALLOWED"


async def test_a_server_that_says_later_is_asked_again_and_never_is_never(mailing: House, post: Post) -> None:
    await invite(mailing, "asa@north.example")
    post.answers = ["451 later", "452 still later"]
    await work(mailing)  # at once, since the tests' clock is behind the database's
    assert len(post.taken) == 1
    async with mailing.database.transaction(role=OWNER) as unit:
        row = await unit.connection.fetchrow("select state, attempts, error from job where kind = 'mail_link'")
    assert (row["state"], row["attempts"]) == ("done", 3)
    assert "452" in row["error"]
    await invite(mailing, "bo@north.example")
    post.answers = ["550 no such box"]
    await work(mailing)
    assert len(post.taken) == 1
    async with mailing.database.transaction(role=OWNER) as unit:
        state = await unit.connection.fetchval(
            "select state from job where kind = 'mail_link' order by id desc limit 1"
        )
    assert state == "dead"


async def test_a_letter_that_does_not_go_out_ends_no_link_that_somebody_has(mailing: House, post: Post) -> None:
    user = await invite(mailing, "asa@north.example")
    token = await link_of(mailing, user)
    post.answers = ["550 no such box"]
    await work(mailing)
    assert post.taken == []
    portal = await make_portal(mailing)
    value = {"token": token, "password": PASSWORD}
    taken = await portal.mutate("acceptInvitation", "ChoosePasswordInput", value, "... on Accepted { accepted }")
    assert taken == {"accepted": True}


async def test_i6_a_name_with_a_line_end_makes_no_header(mailing: House, post: Post) -> None:
    letter = Letter(
        to="asa@north.example",
        name="Åsa\r\nBcc: x@evil.example",
        subject="Hej\nBcc: y@evil.example",
        text="Text.\n.\nMer.",
    )
    await mailing.wiring.mailer.send(letter)
    (taken,) = post.taken
    assert taken.rcpt_tos == ["asa@north.example"]
    (read,) = post.letters()
    assert read["Bcc"] is None
    assert read.get_content().replace("\r\n", "\n") == "Text.\n.\nMer.\n"
    with pytest.raises(MailFault):
        await mailing.wiring.mailer.send(replace(letter, to="asa@north.example, x@evil.example"))


async def test_another_address_is_told_to_the_one_before(mailing: House, post: Post) -> None:
    user = await person(mailing, "anna@north.example")
    await work(mailing)
    post.taken.clear()
    cmd = ChangeUser(user=user.id, version=user.version, email="new@north.example")
    await change_user(cmd, actor=system(OperatorId(1)), begin=mailing.wiring.begin, clock=mailing.clock)
    await work(mailing)
    assert [one.rcpt_tos for one in post.taken] == [["anna@north.example"]]


@pytest.mark.parametrize("language", ["sv", "en", "nb", "da", "fi", "de"])
async def test_letters_are_in_the_persons_language(mailing: House, post: Post, language: str) -> None:
    await invite(mailing, "asa@north.example", language)
    await work(mailing)
    (letter,) = post.letters()
    assert letter["Content-Language"] == language
    assert (str(letter["Subject"]) == "You are invited to North Telecom AB") is (language == "en")
    assert ("choose a password" in letter.get_content().lower()) is (language == "en")
    assert "Åsa Öberg" in letter.get_content()


def certificate(folder: Path) -> tuple[str, str]:
    """Make a certificate for 127.0.0.1 and return its files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(pem), str(secret)


async def test_starttls_with_a_login_and_a_certificate_that_is_known(house: House, tmp_path: Path) -> None:
    pem, secret = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, secret)
    took = Post()
    logins: list[tuple[bytes, bytes]] = []

    def known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"hemligt", handled=False)

    letter = Letter(to="asa@north.example", name="Åsa", subject="Hej", text="Hej.\n")
    async with listening(
        took, require_starttls=True, tls_context=context, authenticator=known, auth_required=True
    ) as port:
        server = Server(
            host="127.0.0.1",
            port=port,
            security=Security.STARTTLS,
            sender="billing@north.example",
            user="billing",
            password="hemligt",
            ca=pem,
        )
        await SmtpMailer(server, house.clock).send(letter)
        assert len(took.taken) == 1
        assert logins == [(b"billing", b"hemligt")]
        with pytest.raises(MailFault) as no:
            await SmtpMailer(replace(server, password="wrong one"), house.clock).send(letter)
        assert "wrong one" not in no.value.message
        assert no.value.lasting
        with pytest.raises(MailFault):  # a certificate that nobody knows
            await SmtpMailer(replace(server, ca=None), house.clock).send(letter)
    assert len(took.taken) == 1
    assert "hemligt" not in repr(server)
    with pytest.raises(MailFault):  # nobody is there
        await SmtpMailer(server, house.clock).send(letter)
    with pytest.raises(MailFault):
        await NoMailer().send(letter)
