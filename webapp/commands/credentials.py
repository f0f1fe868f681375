"""``flask credentials``: moving stored secrets to the newest key."""

from __future__ import annotations

import click
import sqlalchemy as sa

from webapp.commands.answers import fail
from webapp.commands.groups import CommandGroup
from webapp.core.credentials import CredentialsUnreadable, reseal
from webapp.core.database import write_transaction
from webapp.core.models import ConnectAttempt, Integration, Message, Webhook

group = CommandGroup("credentials", help="Stored secrets and their encryption keys.")


@group.command("rotate")
def rotate() -> None:
    """Encrypt every stored token and personal link again under the first of CREDENTIAL_KEYS.

    Put the new key first and keep the old one after it; once this has run, the old one can go. Nothing is
    changed when any of them cannot be read.
    """
    count = 0
    try:
        with write_transaction() as session:
            for integration in session.scalars(
                sa.select(Integration).where(Integration.credentials.is_not(None)).with_for_update()
            ):
                integration.credentials = reseal(integration.credentials or "")
                count += 1
            for message in session.scalars(
                sa.select(Message).where(Message.sealed_text.is_not(None)).with_for_update()
            ):
                message.sealed_text = reseal(message.sealed_text or "")
                count += 1
            for webhook in session.scalars(sa.select(Webhook).with_for_update()):
                webhook.secret = reseal(webhook.secret)
                count += 1
            # half-finished connections are worth less than a rotation that leaves something under the old key
            session.execute(sa.delete(ConnectAttempt))
    except CredentialsUnreadable as unreadable:
        fail(
            f"Nothing was changed: {unreadable}. Add the key it was encrypted with to the end of CREDENTIAL_KEYS."
        )
    click.echo(
        f"{count:,} stored {'token is' if count == 1 else 'tokens are'} encrypted under the newest key."
    )
