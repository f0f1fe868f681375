"""The mail that says that people due by the leaver rule are held."""

from __future__ import annotations

from sqlalchemy.orm import Session

from config import Settings
from webapp.core.models import Contract
from webapp.notifications.incidents.emails import letter, people_are
from webapp.notifications.incidents.kinds import KINDS
from webapp.notifications.incidents.preferences import recipients
from webapp.notifications.mail import outbox
from webapp.notifications.mail.urls import page_address


def tell_held(session: Session, settings: Settings, contract_id: int, people: int, days: int) -> None:
    """Put the mail into the outbox for those who can decide. Call inside a write transaction."""
    contract = session.get_one(Contract, contract_id)
    have = "1 person has" if people == 1 else f"{people:,} people have"
    span = "1 day" if days == 1 else f"{days:,} days"
    text = letter(
        settings.product_name,
        contract,
        f"{people_are(people)} due to be deactivated at once",
        [
            f"{have} been on no platform for {span}. The safeguard lets fewer go at once.",
            "Nobody was changed, and nobody will be until somebody has decided.",
            "Look at who they are. Then deactivate them, or leave them as they are.",
        ],
        page_address("leavers.index", contract=contract.slug, gone="due"),
    )
    for address in recipients(session, contract_id, KINDS["leavers"]):
        outbox.queue(
            session,
            to=address,
            subject=text.subject,
            text=text.text,
            contract_id=contract_id,
            purpose="leavers",
        )
