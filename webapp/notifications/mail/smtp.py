"""Handing mails over to the mail server, over one connection for several of them."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime

from email_validator import validate_email

from config import MailServer
from webapp.core.models import Message

TIMEOUT = 15.0  # seconds for each step of the conversation


class MailRefused(Exception):
    """The server will never take this mail; the text says why, in its words, which may name people.

    ``code`` is its answer's, if there was one.
    """

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


class MailDelayed(Exception):
    """The mail could not be handed over this time; as :class:`MailRefused`."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


class ServerGone(MailDelayed):
    """The conversation is over, so nothing more can be handed over in it."""


class Hand:
    """An open conversation with the mail server."""

    def __init__(self, client: smtplib.SMTP, server: MailServer, product: str) -> None:
        self._client = client
        self._server = server
        self._product = product

    def over(self, message: Message, text: str) -> None:
        """Hand one mail over. Raises :class:`MailRefused` or :class:`MailDelayed`."""
        try:
            self._client.send_message(
                compose(message, text, self._server.sender, self._product),
                from_addr=self._server.sender,
                to_addrs=[address_on_the_wire(message.recipient)],
            )
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise _refusal(code, _words(answer)) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, _words(error.smtp_error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise MailRefused("The mail server cannot deliver to an address with such letters.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ServerGone(f"The mail server stopped answering ({type(error).__name__}).") from error


@contextmanager
def conversation(server: MailServer, product: str) -> Iterator[Hand]:
    """Greet the mail server, signed in where it asks for that. Raises :class:`ServerGone`."""
    try:
        client = _open(server)
    except smtplib.SMTPAuthenticationError as error:
        raise ServerGone("The mail server does not accept SMTP_USERNAME and SMTP_PASSWORD.") from error
    except (smtplib.SMTPException, OSError) as error:
        raise ServerGone(
            f"The mail server {server.host}:{server.port} cannot be reached ({type(error).__name__})."
        ) from error
    try:
        yield Hand(client, server, product)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            client.quit()


def compose(message: Message, text: str, sender: str, product: str) -> EmailMessage:
    """The mail as it goes over the wire. Its Message-ID is always the same, so that a mail sent twice shows once."""
    mail = EmailMessage(policy=WIRE)
    mail["From"] = Address(product, addr_spec=sender)
    mail["To"] = address_on_the_wire(message.recipient)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = (
        f"<rollcall-{message.id}-{int(message.created_at.timestamp())}@{sender.partition('@')[2]}>"
    )
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


def address_on_the_wire(address: str) -> str:
    """The address in ASCII, if only its domain has other letters; else as it is, for servers that take that."""
    return validate_email(address, check_deliverability=False, test_environment=True).ascii_email or address


def _open(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.security == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=context)
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    try:
        if server.security == "starttls":
            client.starttls(context=context)
        if server.username:
            client.login(server.username, server.password)
    except BaseException:
        client.close()
        raise
    return client


def _refusal(code: int, answer: str) -> MailRefused | MailDelayed:
    text = f"The mail server answered {code} {answer}".strip()
    return MailRefused(text, code) if 500 <= code < 600 else MailDelayed(text, code)


def _words(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer
