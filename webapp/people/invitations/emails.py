"""The words of the mail that invites somebody. Pure but for the addresses of pages."""

from __future__ import annotations

from webapp.notifications.mail.outbox import Personal, name_in_mail
from webapp.notifications.mail.urls import page_address


def invitation(
    *, to: str, name: str, contract: str, inviter: str, days: int, token: str, invitation_id: int
) -> Personal:
    """The mail in the name of ``contract``; names in it cannot be followed as links."""
    contract, inviter = name_in_mail(contract), name_in_mail(inviter)
    paragraphs = [
        f"Hello {name_in_mail(name)},",
        f"{inviter} invites you to {contract}. Follow this link to sign in:",
        page_address("invitations.open_link", token=token),
        (
            f"It works once, for {days} days, and only for you at {to}. If you have an account already, sign in with "
            "its password; if not, you choose one."
        ),
        f"-- \nIf you do not know {contract}, there is nothing to do. Do not pass this email on.",
    ]
    return Personal(to, f"{contract}: You are invited", "\n\n".join(paragraphs) + "\n", invitation_id)
