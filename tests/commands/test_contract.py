"""``flask contract``: creating contracts, their features and licences."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import make_actor, make_contract
from tests.commands.conftest import Flasks
from tests.users.test_licences import at_once
from tests.users.world import statements
from webapp.core import contracts
from webapp.core.database import write_connection, write_transaction
from webapp.core.models import AuditEvent, Contract, ContractFeature, Role, RolePermission, Team, db
from webapp.core.permissions import INTEGRATIONS

CREATE = ("contract", "create", "acme", "--name", "Acme Ltd", "--licences", "5")


def test_a_new_contract_has_six_roles_and_one_team(app: Flask, flask: Flasks) -> None:
    ended = flask(*CREATE, "--time-zone", "Europe/Oslo")
    assert ended.code == 0
    assert ended.out == (
        "Created Acme Ltd. Next: flask account create-administrator acme EMAIL, "
        "and flask contract feature acme integrations on.\n"
    )
    with app.app_context():
        contract = db.session.scalars(sa.select(Contract)).one()
        assert (contract.slug, contract.name, contract.time_zone, contract.licences) == (
            "acme",
            "Acme Ltd",
            "Europe/Oslo",
            5,
        )
        roles = db.session.scalars(sa.select(Role).order_by(Role.position)).all()
        assert [role.name for role in roles] == [
            "Administrator",
            "Manager",
            "Team Leader",
            "Agent",
            "Quality Analyst",
            "System Access",
        ]
        assert [role.name for role in roles if role.undeletable] == [
            "Administrator",
            "Agent",
            "System Access",
        ]
        granted = {
            role.name: set(
                db.session.scalars(
                    sa.select(RolePermission.permission).where(RolePermission.role_id == role.id)
                )
            )
            for role in roles
        }
        assert len(granted["Administrator"]) == 7
        assert granted["Agent"] == set()
        assert db.session.scalars(sa.select(Team.name)).all() == ["Acme Ltd"]
        assert db.session.scalars(sa.select(AuditEvent.actor)).all() == ["command: flask contract create"]


def test_a_contract_can_be_printed_for_a_program(flask: Flasks) -> None:
    assert flask(*CREATE, "--json").json == {
        "contract": "acme",
        "name": "Acme Ltd",
        "time_zone": "UTC",
        "licences": 5,
        "licences_used": 0,
        "pending": 0,
        "features": [],
        "changed": True,
    }


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"slug": "Acme"}, "“Acme” cannot stand in a web address."),
    ({"slug": "acme/support"}, "“acme/support” cannot stand in a web address."),
    ({"slug": "-acme"}, "cannot stand in a web address."),
    ({"slug": "acme\n"}, "cannot stand in a web address."),
    ({"slug": "x" * 64}, "cannot stand in a web address."),
    ({"slug": ""}, "cannot stand in a web address."),
    ({"name": "  A  "}, "The name must have 3 to 255 characters."),
    ({"name": "x" * 256}, "The name must have 3 to 255 characters."),
    ({"zone": "Europe/Atlantis"}, "“Europe/Atlantis” is not a time zone."),
    ({"zone": "../etc/passwd"}, "is not a time zone."),
    ({"licences": "-1"}, "Licences must be a whole number from 0 to 1,000,000."),
    ({"licences": "1000001"}, "Licences must be a whole number from 0 to 1,000,000."),
]


def test_a_contract_that_cannot_be_is_refused_in_one_sentence(app: Flask, flask: Flasks) -> None:
    for changes, says in REFUSED:
        given = {"slug": "acme", "name": "Acme Ltd", "zone": "UTC", "licences": "5", **changes}
        ended = flask(
            *("contract", "create", f"--name={given['name']}", f"--time-zone={given['zone']}"),
            *(f"--licences={given['licences']}", "--", given["slug"]),
        )
        assert ended.code == 1
        assert says in " ".join(ended.err.split())
    with app.app_context():
        assert db.session.scalars(sa.select(Contract)).all() == []
        assert db.session.scalars(sa.select(AuditEvent)).all() == []


def test_an_address_is_given_once(flask: Flasks) -> None:
    flask(*CREATE)
    again = flask(*CREATE)
    assert (again.code, again.out) == (0, "Acme Ltd is there already. Nothing was changed.\n")
    assert flask(*CREATE, "--json").json["changed"] is False
    assert flask(*CREATE[:3], "--name", "Acme", "--licences", "9").refusal == (
        "There is a contract acme already, with the name Acme Ltd and licences: 5. Choose another address, "
        "or change it: flask contract rename, time-zone or licences."
    )


def test_two_who_create_or_switch_the_same_at_once_both_succeed(app: Flask) -> None:
    def run(*words: str) -> object:
        return app.test_cli_runner().invoke(args=[*words, "--json"], catch_exceptions=False).exit_code

    assert at_once([lambda: run(*CREATE)] * 4) == [0] * 4
    assert at_once([lambda: run("contract", "feature", "acme", "integrations", "on")] * 4) == [0] * 4
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(ContractFeature)) == 1
        actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["contract.created", "contract.feature_enabled"]


def test_licences_are_compared_with_what_they_are_at_that_moment(app: Flask) -> None:
    """Somebody changes them between looking the contract up and changing them."""
    contract_id = make_contract(app, "acme", licences=5)
    with app.app_context():
        looked_up = db.session.get_one(Contract, contract_id)
        with write_connection() as elsewhere:
            elsewhere.execute(sa.update(Contract).values(licences=10))
        with write_transaction() as session:
            assert contracts.set_licences(session, looked_up, 5)
        assert db.session.scalar(sa.select(Contract.licences)) == 5
        details = db.session.scalars(sa.select(AuditEvent.details).order_by(AuditEvent.id.desc())).first()
    assert details == {"licences": {"before": 10, "after": 5}}


def test_many_contracts_are_listed_in_as_many_statements_as_one(app: Flask, flask: Flasks) -> None:
    counts = []
    for slugs in (["acme"], ["bolt", "cask", "dune"]):
        for slug in slugs:
            make_actor(app, make_contract(app, slug), "manager", email=f"{slug}@example.com")
        for words in (("contract", "list"), ("account", "list")):
            with statements(app) as sent:
                assert flask(*words, "--json").code == 0
            counts.append(len(sent))
    assert counts[:2] == counts[2:]


def test_contracts_are_listed(app: Flask, flask: Flasks) -> None:
    assert (
        flask("contract", "list").out == "There is no contract yet. Create one with flask contract create.\n"
    )
    assert flask("contract", "list", "--json").json == {"contracts": []}
    flask("contract", "create", "bolt", "--name", "Bolt", "--licences", "2")
    flask(*CREATE)
    flask("contract", "feature", "acme", "integrations", "on")
    with app.app_context():
        contract_id = db.session.scalars(sa.select(Contract.id).where(Contract.slug == "acme")).one()
    make_actor(app, contract_id, "manager")
    assert flask("contract", "list").out == (
        "acme  Acme Ltd  1 of 5 licences in use  features: Integrations\n"
        "bolt  Bolt  0 of 2 licences in use  features: none\n"
    )
    listed = flask("contract", "list", "--json").json["contracts"]
    assert [(one["contract"], one["licences_used"], one["features"]) for one in listed] == [
        ("acme", 1, [INTEGRATIONS]),
        ("bolt", 0, []),
    ]


@pytest.mark.parametrize(
    "name", ["integrations", "Integrations", "INTEGRATIONS", "admin.integration.settings"]
)
def test_a_feature_is_switched_by_its_name_or_its_key(flask: Flasks, name: str) -> None:
    flask(*CREATE)
    assert flask("contract", "features", "acme").out == "off  Integrations  admin.integration.settings\n"
    assert flask("contract", "feature", "acme", name, "on").out == "Integrations is now on for Acme Ltd.\n"
    assert (
        flask("contract", "feature", "acme", name, "on").out
        == "Integrations is already on for Acme Ltd. Nothing was changed.\n"
    )
    assert flask("contract", "features", "acme").out == "on   Integrations  admin.integration.settings\n"
    assert flask("contract", "features", "acme", "--json").json == {
        "contract": "acme",
        "features": {"admin.integration.settings": True},
    }
    assert flask("contract", "feature", "acme", name, "off").out == "Integrations is now off for Acme Ltd.\n"
    assert (
        flask("contract", "feature", "acme", name, "off").out
        == "Integrations is already off for Acme Ltd. Nothing was changed.\n"
    )


def test_a_feature_is_known_by_its_name_in_any_case_and_by_its_key(flask: Flasks) -> None:
    flask(*CREATE)
    for name in ("Integrations", "INTEGRATIONS", "admin.integration.settings"):
        assert flask("contract", "feature", "acme", name, "on").code == 0


def test_a_feature_that_there_is_not_is_refused_with_those_there_are(flask: Flasks) -> None:
    flask(*CREATE)
    assert flask("contract", "feature", "acme", "coaching", "on").refusal == (
        "There is no feature coaching. There is: Integrations (admin.integration.settings)."
    )
    assert flask("contract", "feature", "acme", "integrations", "maybe").code == 2


def test_licences_are_changed_and_fewer_than_in_use_switch_nobody_off(app: Flask, flask: Flasks) -> None:
    flask(*CREATE)
    with app.app_context():
        contract_id = db.session.scalars(sa.select(Contract.id)).one()
    for _ in range(2):
        make_actor(app, contract_id, "manager")
    assert flask("contract", "licences", "acme", "10").out == "Acme Ltd has 10 licences, 2 in use.\n"
    assert flask("contract", "licences", "acme", "1").out == (
        "Acme Ltd has 1 licence, 2 in use.\n"
        "Nobody was switched off. No one new can be activated until some are free.\n"
    )
    flask("contract", "licences", "acme", "12000")
    assert "2 of 12,000 licences in use" in flask("contract", "list").out
    flask("contract", "licences", "acme", "1")
    assert flask("contract", "licences", "acme", "--", "-1").refusal.startswith("Licences must be")
    assert flask("contract", "list", "--json").json["contracts"][0]["licences_used"] == 2


def test_a_contract_is_shown_renamed_and_put_in_another_time_zone(app: Flask, flask: Flasks) -> None:
    flask(*CREATE)
    assert flask("contract", "show", "acme").out == (
        "name: Acme Ltd\ntime zone: UTC\nlicences: 0 of 5 in use\npending people: 0\nfeatures: none\n"
    )
    for words, now, again in (
        (("rename", "acme", " Acme  Group"), "The name of acme is now Acme Group.", "already Acme Group"),
        (("time-zone", "acme", "Europe/Oslo"), "The time zone of acme is now Europe/Oslo.", "already Europe"),
    ):
        assert flask("contract", *words).out == f"{now}\n"
        second = flask("contract", *words)
        assert second.code == 0
        assert again in second.out
        assert "Nothing was changed." in second.out
        assert flask("contract", *words, "--json").json["changed"] is False
    assert flask("contract", "rename", "acme", "x").refusal == "The name must have 3 to 255 characters."
    assert flask("contract", "time-zone", "acme", "Mars").refusal.startswith("“Mars” is not a time zone.")
    found = flask("contract", "licences", "acme", "5", "--json").json
    assert (found["name"], found["time_zone"], found["changed"]) == ("Acme Group", "Europe/Oslo", False)
    assert flask("contract", "feature", "acme", "integrations", "on", "--json").json["changed"] is True
    with app.app_context():
        changes = db.session.scalars(
            sa.select(AuditEvent.details).where(AuditEvent.action == "contract.settings_changed")
        ).all()
    assert changes == [
        {"name": {"before": "Acme Ltd", "after": "Acme Group"}},
        {"time zone": {"before": "UTC", "after": "Europe/Oslo"}},
    ]


NOWHERE: list[tuple[str, ...]] = [
    ("contract", "feature", "nowhere", "integrations", "on"),
    ("contract", "features", "nowhere"),
    ("contract", "show", "nowhere"),
    ("contract", "rename", "nowhere", "Somewhere"),
    ("contract", "time-zone", "nowhere", "UTC"),
    ("contract", "licences", "nowhere", "5"),
    ("account", "create-administrator", "nowhere", "ana@example.com"),
    ("sync", "now", "nowhere", "intercom"),
    ("sync", "status", "--contract", "nowhere"),
]


def test_a_contract_that_there_is_not_is_named(flask: Flasks) -> None:
    for words in NOWHERE:
        assert flask(*words).refusal == "There is no contract nowhere. See flask contract list."
