"""Changing the name and time zone of a contract, from its page and by command."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from webapp.administration.transaction import editing
from webapp.core.audit import log
from webapp.core.contracts import checked_name, checked_time_zone, locked_contract, time_zones
from webapp.core.models import Contract
from webapp.core.permissions import MANAGE_SECURITY


@dataclass(frozen=True)
class Settings:
    """What can be changed."""

    name: str
    time_zone: str


class SettingsChanged(Exception):
    """Somebody else changed them after the form was opened. Nothing was changed; ``now`` is how they are."""

    def __init__(self, now: Settings) -> None:
        super().__init__(now.name)
        self.now = now


def save(contract_id: int, wanted: Settings, *, was: Settings, by_user_id: int) -> bool:
    """Change the settings; whether that changed anything.

    Raises, with nothing changed: ``ContractRefused``, :class:`SettingsChanged` and ``access.Refused``.
    """
    with editing(contract_id, by_user_id, MANAGE_SECURITY) as edit:
        contract = edit.session.get_one(Contract, contract_id, populate_existing=True)
        now = Settings(contract.name, contract.time_zone)
        wanted = Settings(checked_name(wanted.name), checked_time_zone(wanted.time_zone))
        if wanted != now and was != now:
            raise SettingsChanged(now)
        return apply(edit.session, contract, wanted)


def apply(session: Session, contract: Contract, wanted: Settings, *, actor: str | None = None) -> bool:
    """Give a locked contract those settings, with an audit row; whether that changed anything."""
    before = Settings(contract.name, contract.time_zone)
    wanted = Settings(checked_name(wanted.name), checked_time_zone(wanted.time_zone))
    if wanted == before:
        return False
    contract.name, contract.time_zone = wanted.name, wanted.time_zone
    pairs = (("name", before.name, wanted.name), ("time zone", before.time_zone, wanted.time_zone))
    log.record(
        session,
        "contract.settings_changed",
        wanted.name,
        contract_id=contract.id,
        target_type="contract",
        target_id=contract.id,
        details={label: log.changed(old, new) for label, old, new in pairs if old != new},
        actor=actor,
    )
    return True


def by_command(
    session: Session, contract_id: int, *, name: str | None = None, time_zone: str | None = None, actor: str
) -> bool:
    """Change what is given, for the operator; whether that changed anything. Raises ``ContractRefused``."""
    contract = locked_contract(session, contract_id)
    wanted = Settings(
        contract.name if name is None else name, contract.time_zone if time_zone is None else time_zone
    )
    return apply(session, contract, wanted, actor=actor)


def offered_time_zones(current: str) -> list[str]:
    """The zones to choose from: UTC, those named after a place, and the current one."""
    places = {zone for zone in time_zones() if "/" in zone and not zone.startswith("Etc/")}
    return ["UTC", *sorted((places | {current}) - {"UTC"})]
