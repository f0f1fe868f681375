"""The mail that says that people due by the leaver rule are held."""

from __future__ import annotations

from sqlalchemy.orm import Session

from config import Settings
from webapp.mail import outbox
from webapp.mail.links import page_address
from webapp.models import Contract
from webapp.notify.choices import recipients
from webapp.notify.kinds import KINDS
from webapp.notify.letters import letter


def tell_held(session: Session, settings: Settings, contract_id: int, people: int, days: int) -> None:
    """Put the mail into the outbox for those who can decide. Call inside a write transaction."""
    contract = session.get_one(Contract, contract_id)
    who = "1 person is" if people == 1 else f"{people:,} people are"
    text = letter(
        settings.product_name,
        contract,
        f"{who} due to be deactivated at once",
        [
            f"{who} no longer on any platform for {days} days, which is more than the safeguard lets go at once.",
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
