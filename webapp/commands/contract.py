"""``flask contract``: create contracts, show and change them, their features and licences.

Each command may be given again: it then says that nothing was changed, and succeeds.
"""

from __future__ import annotations

from typing import Any

import click
import sqlalchemy as sa

from webapp.administration.settings.service import by_command
from webapp.commands.answers import contract_or_fail, fail, print_json
from webapp.commands.groups import CommandGroup
from webapp.core import contracts
from webapp.core.database import write_transaction
from webapp.core.models import Contract, ContractFeature, User, db
from webapp.core.names import tidied
from webapp.core.permissions import FEATURES

group = CommandGroup("contract", help="Contracts, their features and licences.")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@group.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="The customer's name, 3 to 255 characters.")
@click.option("--time-zone", default="UTC", show_default=True, help="Such as Europe/London.")
@click.option("--licences", type=int, required=True, help="How many active users the contract has bought.")
@click.option("--json", "as_json", is_flag=True, help="Print the contract as JSON.")
def create(slug: str, name: str, time_zone: str, licences: int, as_json: bool) -> None:
    """Create the contract SLUG (its part of the web address), with six roles and one team."""
    if _is_there(slug, name, time_zone, licences, as_json):
        return
    try:
        with write_transaction() as session:
            contract = contracts.create_contract(
                session, slug=slug, name=name, time_zone=time_zone, licences=licences
            )
    except (contracts.ContractRefused, sa.exc.IntegrityError) as refused:
        if _is_there(slug, name, time_zone, licences, as_json):  # another command was quicker
            return
        if not isinstance(refused, contracts.ContractRefused):
            raise
        fail(str(refused))
    if as_json:
        print_json(_as_json(contract) | {"changed": True})
    else:
        click.echo(
            f"Created {contract.name}. Next: flask account create-administrator {slug} EMAIL, "
            f"and flask contract feature {slug} integrations on."
        )


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_contracts(as_json: bool) -> None:
    """List every contract with its features and licences."""
    rows = _rows()
    if as_json:
        print_json({"contracts": rows})
        return
    for row in rows:
        on = [FEATURES.get(key, key) for key in row["features"]]
        click.echo(
            f"{row['contract']}  {row['name']}  {row['licences_used']:,} of {row['licences']:,} licences in use  "
            f"features: {', '.join(on) or 'none'}"
        )
    if not rows:
        click.echo("There is no contract yet. Create one with flask contract create.")


@group.command("show")
@click.argument("slug")
@_json
def show(slug: str, as_json: bool) -> None:
    """Show the contract SLUG."""
    row = _as_json(contract_or_fail(slug))
    if as_json:
        print_json(row)
        return
    on = ", ".join(FEATURES.get(key, key) for key in row["features"])
    for label, value in (
        ("name", row["name"]),
        ("time zone", row["time_zone"]),
        ("licences", f"{row['licences_used']:,} of {row['licences']:,} in use"),
        ("pending people", f"{row['pending']:,}"),
        ("features", on or "none"),
    ):
        click.echo(f"{label}: {value}")


@group.command("rename")
@click.argument("slug")
@click.argument("name")
@_json
def rename(slug: str, name: str, as_json: bool) -> None:
    """Give the contract SLUG another NAME. Its address and its teams stay."""
    _change(slug, as_json, "name", name=name, actor="command: flask contract rename")


@group.command("time-zone")
@click.argument("slug")
@click.argument("zone")
@_json
def time_zone(slug: str, zone: str, as_json: bool) -> None:
    """Show the times of the contract SLUG in ZONE, such as Europe/London."""
    _change(slug, as_json, "time zone", time_zone=zone, actor="command: flask contract time-zone")


@group.command("feature")
@click.argument("slug")
@click.argument("feature")
@click.argument("state", type=click.Choice(["on", "off"]))
@_json
def feature(slug: str, feature: str, state: str, as_json: bool) -> None:
    """Switch FEATURE (such as integrations) on or off for the contract SLUG."""
    contract = contract_or_fail(slug)
    try:
        with write_transaction() as session:
            changed = contracts.set_feature(session, contract, feature, state == "on")
        name = FEATURES[contracts.feature_key(feature)]
    except contracts.ContractRefused as refused:
        fail(str(refused))
    if as_json:
        print_json(_as_json(contract) | {"changed": changed})
        return
    click.echo(
        f"{name} is {'now' if changed else 'already'} {state} for {contract.name}."
        + ("" if changed else " Nothing was changed.")
    )


@group.command("features")
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def features(slug: str, as_json: bool) -> None:
    """List the features there are, and which of them are on for the contract SLUG."""
    on = _features(contract_or_fail(slug))
    if as_json:
        print_json({"contract": slug, "features": {key: key in on for key in FEATURES}})
        return
    for key, name in FEATURES.items():
        click.echo(f"{'on ' if key in on else 'off'}  {name}  {key}")


@group.command("licences")
@click.argument("slug")
@click.argument("count", type=int)
@_json
def licences(slug: str, count: int, as_json: bool) -> None:
    """Set how many active users the contract SLUG has bought."""
    contract = contract_or_fail(slug)
    try:
        with write_transaction() as session:
            changed = contracts.set_licences(session, contract, count)
    except contracts.ContractRefused as refused:
        fail(str(refused))
    if as_json:
        print_json(_as_json(contract_or_fail(slug)) | {"changed": changed})
        return
    used = contracts.licences_used(db.session(), contract.id)
    click.echo(
        f"{contract.name} has {count:,} {'licence' if count == 1 else 'licences'}, {used:,} in use."
        + ("" if changed else " Nothing was changed.")
    )
    if used > count:
        click.echo("Nobody was switched off. No one new can be activated until some are free.")


def _change(slug: str, as_json: bool, what: str, *, actor: str, **values: str) -> None:
    contract_id = contract_or_fail(slug).id
    try:
        with write_transaction() as session:
            changed = by_command(session, contract_id, actor=actor, **values)
    except contracts.ContractRefused as refused:
        fail(str(refused))
    contract = contract_or_fail(slug)
    if as_json:
        print_json(_as_json(contract) | {"changed": changed})
        return
    value = contract.name if what == "name" else contract.time_zone
    click.echo(
        f"The {what} of {slug} is {'now' if changed else 'already'} {value}."
        + ("" if changed else " Nothing was changed.")
    )


def _is_there(slug: str, name: str, time_zone: str, licences: int, as_json: bool) -> bool:
    """Whether there is a contract of that address, which is then said; ends the command if it is another one."""
    contract = db.session.scalars(sa.select(Contract).where(Contract.slug == slug)).one_or_none()
    if contract is None:
        return False
    differs = [
        f"{what} {is_now}"
        for what, is_now, wanted in (
            ("the name", contract.name, tidied(name)),
            ("the time zone", contract.time_zone, time_zone),
            ("licences:", f"{contract.licences:,}", f"{licences:,}"),
        )
        if is_now != wanted
    ]
    if differs:
        fail(
            f"There is a contract {contract.slug} already, with {' and '.join(differs)}. Choose another address, "
            f"or change it: flask contract rename, time-zone or licences."
        )
    if as_json:
        print_json(_as_json(contract) | {"changed": False})
    else:
        click.echo(f"{contract.name} is there already. Nothing was changed.")
    return True


def _features(contract: Contract) -> list[str]:
    features: list[str] = _as_json(contract)["features"]
    return features


def _as_json(contract: Contract) -> dict[str, Any]:
    (row,) = _rows(Contract.id == contract.id)
    return row


def _rows(*where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    """Contracts as the commands print them, in three statements however many there are."""
    contracts = db.session.scalars(
        sa.select(Contract).where(*where).order_by(Contract.slug).execution_options(populate_existing=True)
    ).all()
    people: dict[tuple[int, str], int] = {}
    for contract_id, status, count in db.session.execute(
        sa.select(User.contract_id, User.status, sa.func.count())
        .join(Contract, Contract.id == User.contract_id)
        .where(*where, User.status.in_(("active", "pending")))
        .group_by(User.contract_id, User.status)
    ):
        people[contract_id, status] = count
    features: dict[int, list[str]] = {}
    for contract_id, feature in db.session.execute(
        sa.select(ContractFeature.contract_id, ContractFeature.feature)
        .join(Contract, Contract.id == ContractFeature.contract_id)
        .where(*where)
        .order_by(ContractFeature.feature)
    ):
        features.setdefault(contract_id, []).append(feature)
    return [
        {
            "contract": contract.slug,
            "name": contract.name,
            "time_zone": contract.time_zone,
            "licences": contract.licences,
            "licences_used": people.get((contract.id, "active"), 0),
            "pending": people.get((contract.id, "pending"), 0),
            "features": features.get(contract.id, []),
        }
        for contract in contracts
    ]
