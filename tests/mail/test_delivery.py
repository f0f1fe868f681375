"""Mails leave the outbox once, are tried again, and are given up, whatever the mail server does."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from tests.servers.mail import Mailbox
from webapp.core.database import write_transaction
from webapp.core.models import Message, db, utcnow
from webapp.jobs import functions
from webapp.notifications import outbox as notifications_outbox
from webapp.notifications.mail import delivery, outbox


@pytest.fixture(autouse=True)
def _inside(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def queue(to: str = "ines@example.com", subject: str = "A run is held", **more: object) -> int:
    with write_transaction() as session:
        message = outbox.queue(
            session,
            to=to,
            subject=subject,
            text=str(more.pop("text", "Look at it.\n")),
            contract_id=None,
            purpose="incident",
            **more,  # type: ignore[arg-type]
        )
        session.flush()
        return message.id


def stored(message_id: int) -> Message:
    db.session.rollback()
    return db.session.get_one(Message, message_id, populate_existing=True)


def wait_is_over(message_id: int) -> None:
    """The pause before the next try has passed."""
    with write_transaction() as session:
        session.execute(sa.update(Message).where(Message.id == message_id).values(next_try_at=utcnow()))


def test_a_mail_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    number = queue("zoe@example.com", "Čeká se: 3 people", text="Dobrý den,\n\n.\ndone\n")
    functions.deliver_mail()
    ((recipients, _),) = mailbox.received
    (mail,) = mailbox.mails
    assert recipients == ["zoe@example.com"]
    assert mail["From"] == "Rollcall <rollcall@example.com>"
    assert mail["To"] == "zoe@example.com"
    assert mail["Subject"] == "Čeká se: 3 people"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == "Dobrý den,\n\n.\ndone\n"
    sent = stored(number)
    assert (sent.state, sent.attempts, sent.error) == ("sent", 1, None)
    assert sent.sent_at is not None


def test_a_mail_that_was_sent_is_not_sent_again(mailbox: Mailbox) -> None:
    queue()
    for _ in range(3):
        functions.deliver_mail()
    assert len(mailbox.received) == 1


def test_a_mail_that_is_rolled_back_is_never_sent(mailbox: Mailbox) -> None:
    with write_transaction() as session:
        outbox.queue(session, to="a@example.com", subject="x", text="x", contract_id=None, purpose="incident")
        session.flush()
        session.rollback()
    functions.deliver_mail()
    assert mailbox.received == []


def test_a_mail_the_server_delays_is_tried_again_later(mailbox: Mailbox) -> None:
    number = queue()
    mailbox.answers["RCPT"] = "451 come back later"
    before = utcnow()
    functions.deliver_mail()
    waiting = stored(number)
    assert (waiting.state, waiting.error) == ("waiting", "The mail server answered 451 come back later")
    assert waiting.next_try_at > before
    functions.deliver_mail()  # not yet
    assert stored(number).attempts == 1
    mailbox.answers.clear()
    wait_is_over(number)
    functions.deliver_mail()
    assert (stored(number).state, len(mailbox.received)) == ("sent", 1)


def test_each_pause_is_longer_than_the_one_before(mailbox: Mailbox) -> None:
    number = queue()
    mailbox.answers["RCPT"] = "451 come back later"
    pauses = []
    for _ in range(len(delivery.PAUSES) + 1):
        before = utcnow()
        functions.deliver_mail()
        pauses.append(stored(number).next_try_at - before)
        wait_is_over(number)
    rounded = [timedelta(minutes=pause // timedelta(minutes=1)) for pause in pauses]
    assert rounded == [*delivery.PAUSES, delivery.PAUSES[-1]]


def test_an_address_the_server_refuses_is_given_up_and_the_others_go_on(mailbox: Mailbox) -> None:
    refused = queue("nobody@example.com")
    mailbox.answers["RCPT"] = "550 no such person"
    functions.deliver_mail()
    assert (stored(refused).state, stored(refused).error) == (
        "failed",
        "The mail server answered 550 no such person",
    )
    mailbox.answers.clear()
    fine = queue("ines@example.com")
    functions.deliver_mail()
    assert stored(fine).state == "sent"


def test_letters_that_the_wire_does_not_carry_stop_no_other_mail(mailbox: Mailbox) -> None:
    letters = queue("jörg@example.com")
    domain = queue("ines@bücher.example")
    plain = queue("ines@example.com")
    functions.deliver_mail()
    assert [stored(number).state for number in (letters, domain, plain)] == ["failed", "sent", "sent"]
    assert "such letters" in (stored(letters).error or "")
    assert [recipients for recipients, _ in mailbox.received] == [
        ["ines@xn--bcher-kva.example"],
        ["ines@example.com"],
    ]
    assert mailbox.mails[0]["To"] == "ines@xn--bcher-kva.example"


def test_a_mail_that_breaks_the_worker_stops_no_other(mailbox: Mailbox) -> None:
    broken, fine = queue(), queue()
    with write_transaction() as session:
        session.get_one(Message, broken).recipient = "nobody"  # what was never checked
    functions.deliver_mail()
    assert (stored(broken).state, stored(broken).error) == ("waiting", "It could not be written as a mail.")
    assert stored(fine).state == "sent"


def test_a_link_that_has_ended_meanwhile_is_not_sent(mailbox: Mailbox) -> None:
    ages = {"password_reset": (59, 61), "email_change": (23 * 60, 25 * 60)}  # minutes
    numbers = []
    for purpose, minutes in ages.items():
        for age in minutes:
            numbers.append(queue(secret=True))
            with write_transaction() as session:
                message = session.get_one(Message, numbers[-1])
                message.purpose, message.created_at = purpose, utcnow() - timedelta(minutes=age)
    notice = queue()  # without a link
    with write_transaction() as session:
        message = session.get_one(Message, notice)
        message.purpose, message.created_at = "email_change", utcnow() - timedelta(hours=30)
    functions.deliver_mail()
    assert [stored(number).state for number in [*numbers, notice]] == [
        *["sent", "failed"] * 2,
        "sent",
    ]
    assert stored(numbers[1]).error == delivery.DEAD_LINK
    assert stored(numbers[1]).sealed_text is None


def test_a_server_that_is_away_keeps_every_mail_waiting(mailbox: Mailbox, app: Flask) -> None:
    numbers = [queue(), queue()]
    gone = dataclasses.replace(app.extensions["settings"], mail=dataclasses.replace(mailbox.settings, port=9))
    app.extensions["settings"] = gone
    functions.deliver_mail()
    for number in numbers:
        assert (stored(number).state, stored(number).attempts) == ("waiting", 1)
        assert "127.0.0.1:9 cannot be reached" in (stored(number).error or "")


def test_a_server_that_hangs_up_in_the_middle_costs_no_mail(mailbox: Mailbox) -> None:
    numbers = [queue(subject=f"number {index}") for index in range(3)]
    mailbox.hang_up_after = 1
    functions.deliver_mail()
    assert [stored(number).state for number in numbers] == ["waiting"] * 3
    mailbox.hang_up_after = None
    for number in numbers:
        wait_is_over(number)
    functions.deliver_mail()
    assert [stored(number).state for number in numbers] == ["sent"] * 3
    twice = [mail["Message-ID"] for mail in mailbox.mails if mail["Subject"] == "number 0"]
    assert len(twice) == 2  # it had been taken before the server hung up
    assert len(set(twice)) == 1  # so a mail program shows it once


def test_two_workers_never_send_the_same_mail(mailbox: Mailbox, app: Flask) -> None:
    for index in range(45):
        queue(subject=f"number {index}")

    def work() -> None:
        with app.app_context():
            functions.deliver_mail()
            db.session.remove()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(mail["Subject"] for mail in mailbox.mails) == sorted(
        f"number {index}" for index in range(45)
    )


def test_a_worker_that_died_with_mails_in_hand_loses_none(mailbox: Mailbox) -> None:
    number = queue()
    taken = notifications_outbox.take(Message, utcnow(), 20)
    assert [message.id for message in taken] == [number]
    functions.deliver_mail()
    assert mailbox.received == []  # somebody has it
    wait_is_over(number)
    functions.deliver_mail()
    assert stored(number).state == "sent"
    delivery._put_back(taken[0], "a late word of the first worker")
    assert stored(number).state == "sent"


def test_without_a_mail_server_mails_wait(app: Flask) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], mail=None)
    number = queue()
    functions.deliver_mail()
    assert (stored(number).state, stored(number).attempts) == ("waiting", 0)


def test_what_has_waited_for_days_is_given_up_before_it_surprises_anybody(
    mailbox: Mailbox, app: Flask
) -> None:
    old, young = queue(), queue()
    with write_transaction() as session:
        session.get_one(Message, old).created_at = utcnow() - timedelta(days=4)
    with write_transaction() as session:
        delivery.tidy(session, app.extensions["settings"], utcnow())
    functions.deliver_mail()
    assert (stored(old).state, stored(young).state) == ("failed", "sent")
    assert stored(old).error == "It could not be sent for three days."


def test_old_mails_are_forgotten(app: Flask) -> None:
    old, young = queue(), queue()
    with write_transaction() as session:
        session.get_one(Message, old).created_at = utcnow() - timedelta(days=91)
    with write_transaction() as session:
        delivery.tidy(session, app.extensions["settings"], utcnow())
    db.session.rollback()
    assert db.session.scalars(sa.select(Message.id)).all() == [young]


@pytest.mark.parametrize(
    "subject",
    [
        "Hello\r\nBcc: everyone@example.com",
        "Hello\nBcc: everyone@example.com",
        "Hello\u2028Bcc: x",
        "Hel\0lo\x85",
    ],
)
def test_a_line_break_in_a_subject_cannot_become_a_header(mailbox: Mailbox, subject: str) -> None:
    queue(subject=subject)
    functions.deliver_mail()
    ((recipients, raw),) = mailbox.received
    assert recipients == ["ines@example.com"]
    headers = raw.partition(b"\r\n\r\n")[0]
    assert b"\nbcc" not in headers.lower()
    assert b"\0" not in headers


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com,b@example.com",
        "a@example.com b@example.com",
        "Ines <a@example.com>",
        "<a@example.com>",
        "a@example.com;b@example.com",
        "",
        "nobody",
    ],
)
def test_a_mail_goes_to_one_plain_address_or_is_not_written(address: str) -> None:
    with pytest.raises(ValueError, match="is not an email address"):
        queue(address)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Message)) == 0


def test_a_secret_mail_is_stored_unreadable_and_forgotten_once_sent(mailbox: Mailbox) -> None:
    number = queue(text="https://rollcall.example.com/reset/s3cr3t-t0ken\n", secret=True)
    with db.engine.connect() as connection:
        row = connection.execute(sa.select(Message.__table__).where(Message.id == number)).one()
    assert "s3cr3t" not in repr(row)
    functions.deliver_mail()
    assert "s3cr3t-t0ken" in mailbox.mails[0].get_content()
    assert (stored(number).sealed_text, stored(number).text) == (None, None)


def test_a_secret_of_another_row_is_not_sent(mailbox: Mailbox) -> None:
    mine, other = queue(text="for me\n", secret=True), queue(text="for another\n", secret=True)
    with write_transaction() as session:
        session.get_one(Message, mine).sealed_text = session.get_one(Message, other).sealed_text
    functions.deliver_mail()
    assert stored(mine).state == "failed"
    assert [mail.get_content().strip() for mail in mailbox.mails] == ["for another"]


# ------------------------------------------------------------------ encryption on the way
def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that nobody vouches for, and its key."""
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
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


def test_a_server_that_nobody_vouches_for_gets_neither_mail_nor_password(
    mailbox: Mailbox, app: Flask, tmp_path: Path
) -> None:
    mailbox.certificate = certificate(tmp_path)
    number = queue()
    app.extensions["settings"] = dataclasses.replace(
        app.extensions["settings"],
        mail=dataclasses.replace(
            mailbox.settings, security="starttls", username="rollcall", password="open sesame"
        ),
    )
    functions.deliver_mail()
    assert stored(number).state == "waiting"
    assert mailbox.received == []
    assert not [line for line in mailbox.lines if line.startswith("AUTH")]


def test_a_server_that_offers_no_encryption_gets_neither_mail_nor_password(
    mailbox: Mailbox, app: Flask
) -> None:
    number = queue()
    app.extensions["settings"] = dataclasses.replace(
        app.extensions["settings"],
        mail=dataclasses.replace(
            mailbox.settings, security="starttls", username="rollcall", password="open sesame"
        ),
    )
    functions.deliver_mail()
    assert stored(number).state == "waiting"
    assert mailbox.received == []
    assert not [line for line in mailbox.lines if line.startswith("AUTH")]


def test_it_signs_in_where_the_server_asks_for_that(mailbox: Mailbox, app: Flask) -> None:
    queue()
    app.extensions["settings"] = dataclasses.replace(
        app.extensions["settings"],
        mail=dataclasses.replace(mailbox.settings, username="rollcall", password="open sesame"),
    )
    functions.deliver_mail()
    assert len(mailbox.received) == 1
    assert [line for line in mailbox.lines if line.startswith("AUTH")]


def test_a_wrong_password_keeps_the_mail_and_says_so_without_naming_it(mailbox: Mailbox, app: Flask) -> None:
    number = queue()
    mailbox.answers["AUTH"] = "535 no"
    app.extensions["settings"] = dataclasses.replace(
        app.extensions["settings"],
        mail=dataclasses.replace(mailbox.settings, username="rollcall", password="open sesame"),
    )
    functions.deliver_mail()
    kept = stored(number)
    assert kept.state == "waiting"
    assert kept.error == "The mail server does not accept SMTP_USERNAME and SMTP_PASSWORD."
