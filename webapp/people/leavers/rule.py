"""Setting and carrying out the rule of a contract: its people are deactivated after so many days missing."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.audit import log as audit_log
from webapp.core.contracts import licences_used
from webapp.core.database import write_transaction
from webapp.core.id_ranges import chunks
from webapp.core.models import Contract, ContractFeature, LeaverRule, db, utcnow
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, PERMISSIONS, Refusal, Refused
from webapp.notifications.incidents import leaver_emails as letters
from webapp.people.directory import bulk, due_query

log = logging.getLogger(__name__)

CONTRACTS_AT_ONCE = 50  # whose turn comes in one tick; the next one goes on
LOOK_AGAIN = timedelta(hours=1)
AFTER_A_PASS = timedelta(days=1)  # so that many small passes are not a large one


def rule_of(contract_id: int) -> LeaverRule | None:
    """The rule as it is stored."""
    return db.session.get(LeaverRule, contract_id, populate_existing=True)


def save(contract: Contract, days: int | None, *, by_user_id: int, by: str) -> bool:
    """Set after how many days people are deactivated, or ``None`` for never; whether that changed anything.

    Raises ``access.Refused`` for someone who may not both manage users and integrations by now.
    """
    with write_transaction() as session:
        bulk.lock_licences(session, contract.id)
        held = bulk.permissions_now(session, contract.id, by_user_id)
        if MANAGE_INTEGRATIONS not in held:
            raise Refused(Refusal("permission", MANAGE_INTEGRATIONS, PERMISSIONS[MANAGE_INTEGRATIONS]))
        rule = _locked(session, contract.id)
        before = rule.days if rule else None
        if before == days:
            return False
        if days is None:
            session.delete(rule)
        elif rule is None:
            session.add(LeaverRule(contract_id=contract.id, days=days, set_by=by))
        else:  # the turn stays when it is: a changed rule is no way to pass the safeguard twice a day
            rule.days, rule.set_by, rule.set_at = days, by, utcnow()
            rule.held_at = rule.held_people = None
        audit_log.record(
            session,
            "leaver_rule.changed",
            contract.name,
            contract_id=contract.id,
            target_type="contract",
            target_id=contract.id,
            details={"deactivate after": audit_log.changed(_words(before), _words(days))},
        )
    return True


def spare(contract: Contract, *, by_user_id: int) -> int:
    """Leave those who are due, and were held, as they are for good; how many. 0 when nothing is held."""
    with write_transaction() as session:
        bulk.lock_licences(session, contract.id)
        bulk.permissions_now(session, contract.id, by_user_id)
        rule = _locked(session, contract.id)
        if rule is None or rule.held_at is None:
            return 0
        due = due_query.due_after(session, contract.id, rule.days, utcnow(), rule.spared_until)
        rule.spared_until = due.gone_until or rule.spared_until
        rule.held_at = rule.held_people = None
        if not due.ids:  # all of them came back, or were seen to by somebody else
            return 0
        audit_log.record(
            session,
            "leaver_rule.spared",
            f"{len(due.ids):,} users",
            contract_id=contract.id,
            target_type="users",
            details=bulk.who(due.ids, bulk.names_of(session, contract.id, due.ids)),
        )
        return len(due.ids)


def turns(session: Session, now: datetime) -> list[int]:
    """The contracts whose rule is looked at now."""
    return list(
        session.scalars(
            sa.select(LeaverRule.contract_id)
            .join(
                ContractFeature,
                sa.and_(
                    ContractFeature.contract_id == LeaverRule.contract_id,
                    ContractFeature.feature == INTEGRATIONS,
                ),
            )
            .where(LeaverRule.next_at <= now)
            .order_by(LeaverRule.next_at, LeaverRule.contract_id)
            .limit(CONTRACTS_AT_ONCE)
        )
    )


def carry_out_all(settings: Settings, now: datetime) -> int:
    """Give every contract its turn, each in a transaction of its own; how many people were deactivated."""
    session = db.session()
    waiting = turns(session, now)
    session.commit()
    return sum(carry_out(contract_id, settings, now) for contract_id in waiting)


def carry_out(contract_id: int, settings: Settings, now: datetime) -> int:
    """Deactivate who is due in one contract, or hold them all where the safeguard forbids it; how many.

    One transaction with its audit row, or the mail that says that they are held.
    """
    with write_transaction() as session:
        bulk.lock_licences(session, contract_id)
        rule = _locked(session, contract_id)
        if rule is None or rule.next_at > now:  # another worker was quicker, or the rule is off by now
            return 0
        rule.next_at = now + LOOK_AGAIN
        due = due_query.due_after(session, contract_id, rule.days, now, rule.spared_until)
        if due.held:
            if rule.held_at is None:
                rule.held_at = now
                letters.tell_held(session, settings, contract_id, len(due.ids), rule.days)
            rule.held_people = len(due.ids)
            return 0
        rule.held_at = rule.held_people = None
        if not due.ids:
            return 0
        rule.next_at = now + AFTER_A_PASS
        for ids in chunks(due.ids):
            bulk.change_status(session, contract_id, ids, before="active", after="inactive", now=now)
        names = bulk.names_of(session, contract_id, due.ids)
        audit_log.record(
            session,
            "users.deactivated_by_rule",
            contract_id=contract_id,
            actor=settings.product_name,
            details={
                "rule": f"Deactivate after {_words(rule.days)} missing",
                "licences in use": licences_used(session, contract_id),
            }
            | bulk.who(due.ids, names),
            **bulk.target_of(due.ids, names),
        )
    log.info("contract %s: %s people deactivated by the leaver rule", contract_id, len(due.ids))
    return len(due.ids)


def _locked(session: Session, contract_id: int) -> LeaverRule | None:
    return session.get(LeaverRule, contract_id, with_for_update=True, populate_existing=True)


def _words(days: int | None) -> str:
    return "Never" if days is None else f"{days:,} day{'' if days == 1 else 's'}"
