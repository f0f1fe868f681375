"""From an entry of the log one gets to what it is about, as far as that is there and one may open it."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.users.pages import open_page
from tests.users.test_activation import as_agents, ticked
from tests.users.world import World, make_world
from webapp.core.audit import log as audit_log
from webapp.core.database import write_transaction
from webapp.core.models import Activation


def links(actor: Actor) -> dict[str, str | None]:
    """What was done to what, and where that leads, for the entries of persons."""
    page = open_page(actor, "/c/acme/audit?per_page=100")
    cells = [row.all("td")[1] for row in page.root.all("tr", role="row") if row.all("td")]
    return {cell.text: cell.all("a")[0].attrs["href"] if cell.all("a") else None for cell in cells}


def test_an_entry_leads_to_what_it_is_about_and_to_the_undo(app: Flask) -> None:
    world: World = make_world(app)
    other = make_world(app, "bolt")
    administrator = make_actor(app, world.contract_id, "administrator")
    first, second = world.add("Anna Kim", "Bartek Nowak"), world.add("Carla Diaz")
    as_agents(ticked(administrator, world, first), world)
    as_agents(ticked(administrator, world, second), world)
    chat = world.teams["Chat"]
    open_page(administrator, f"/c/acme/structure/{chat}/archive").form("/archive").send("Archive")
    for name in ("Coach", "Guest"):
        open_page(administrator, "/c/acme/roles/new").form("/new").fill(name=name).send("Create")
    guest = open_page(administrator, "/c/acme/roles").root
    gone = next(a.attrs["href"] for a in guest.all("a") if a.text == "Guest")
    open_page(administrator, f"{gone}/delete").form("/delete").send("Delete role")
    with app.app_context(), write_transaction() as session:
        for kind, foreign in (("team", other.teams["Chat"]), ("run", 424242)):
            audit_log.record(
                session,
                "audit.exported",
                kind,
                contract_id=world.contract_id,
                target_type=kind,
                target_id=foreign,
            )
    made = [world.scalar(sa.select(Activation.id).where(Activation.people == people)) for people in (2, 1)]

    found = links(administrator)

    assert found["Activated 2 users"] == f"/c/acme/users/activations/{made[0]}"
    assert found["Activated Carla Diaz"] == f"/c/acme/users/activations/{made[1]}"
    assert found["Archived the team Chat"] == f"/c/acme/structure/{chat}"
    assert str(found["Created the role Coach"]).startswith("/c/acme/roles/")
    for nowhere in ("Created the role Guest", "Deleted the role Guest", "Exported the audit log of team"):
        assert found[nowhere] is None
    assert found["Exported the audit log of run"] is None
    for place in filter(None, found.values()):
        assert administrator.get(place).status_code == 200
    undo = open_page(administrator, str(found["Activated 2 users"])).form("/undo").send("Undo")
    assert "2 people are pending again." in undo.notices
    # who may read the log alone is led nowhere
    assert set(links(make_actor(app, world.contract_id, "system_access")).values()) == {None}
