"""``flask contract``: create contracts, switch their features, change their licences, list them."""

from __future__ import annotations

from typing import Any

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from webapp import contracts
from webapp.access import FEATURES
from webapp.commands.answers import contract_or_fail, fail, print_json
from webapp.database import write_transaction
from webapp.models import Contract, ContractFeature, User, db

group = AppGroup("contract", help="Contracts, their features and licences.")


@group.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="The customer's name, 3 to 255 characters.")
@click.option("--time-zone", default="UTC", show_default=True, help="Such as Europe/London.")
@click.option("--licences", type=int, required=True, help="How many active users the contract has bought.")
@click.option("--json", "as_json", is_flag=True, help="Print the contract as JSON.")
def create(slug: str, name: str, time_zone: str, licences: int, as_json: bool) -> None:
    """Create the contract SLUG (its part of the web address), with six roles and one team."""
    try:
        with write_transaction() as session:
            contract = contracts.create_contract(
                session, slug=slug, name=name, time_zone=time_zone, licences=licences
            )
    except contracts.ContractRefused as refused:
        fail(str(refused))
    if as_json:
        print_json(_as_json(contract))
    else:
        click.echo(
            f"Created {contract.name}. Next: flask account create-administrator {slug} EMAIL, "
            f"and flask contract feature {slug} integrations on."
        )


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_contracts(as_json: bool) -> None:
    """List every contract with its features and licences."""
    rows = [
        _as_json(contract) for contract in db.session.scalars(sa.select(Contract).order_by(Contract.slug))
    ]
    if as_json:
        print_json({"contracts": rows})
        return
    for row in rows:
        on = [FEATURES.get(key, key) for key in row["features"]]
        click.echo(
            f"{row['contract']}  {row['name']}  {row['licences_used']} of {row['licences']} licences in use  "
            f"features: {', '.join(on) or 'none'}"
        )
    if not rows:
        click.echo("There is no contract yet. Create one with flask contract create.")


@group.command("feature")
@click.argument("slug")
@click.argument("feature")
@click.argument("state", type=click.Choice(["on", "off"]))
def feature(slug: str, feature: str, state: str) -> None:
    """Switch FEATURE (such as integrations) on or off for the contract SLUG."""
    contract = contract_or_fail(slug)
    try:
        with write_transaction() as session:
            changed = contracts.set_feature(session, contract, feature, state == "on")
        name = FEATURES[contracts.feature_key(feature)]
    except contracts.ContractRefused as refused:
        fail(str(refused))
    click.echo(f"{name} is {'now' if changed else 'already'} {state} for {contract.name}.")


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
def licences(slug: str, count: int) -> None:
    """Set how many active users the contract SLUG has bought."""
    contract = contract_or_fail(slug)
    try:
        with write_transaction() as session:
            contracts.set_licences(session, contract, count)
    except contracts.ContractRefused as refused:
        fail(str(refused))
    used = contracts.licences_used(db.session(), contract.id)
    click.echo(f"{contract.name} has {count} {'licence' if count == 1 else 'licences'}, {used} in use.")
    if used > count:
        click.echo("Nobody was switched off. No one new can be activated until some are free.")


def _features(contract: Contract) -> list[str]:
    return list(
        db.session.scalars(
            sa.select(ContractFeature.feature)
            .where(ContractFeature.contract_id == contract.id)
            .order_by(ContractFeature.feature)
        )
    )


def _as_json(contract: Contract) -> dict[str, Any]:
    counts = dict(
        db.session.execute(
            sa.select(User.status, sa.func.count())
            .where(User.contract_id == contract.id)
            .group_by(User.status)
        ).all()
    )
    return {
        "contract": contract.slug,
        "name": contract.name,
        "time_zone": contract.time_zone,
        "licences": contract.licences,
        "licences_used": counts.get("active", 0),
        "pending": counts.get("pending", 0),
        "features": _features(contract),
    }
