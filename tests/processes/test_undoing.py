"""A real worker killed in the middle of an undo: it is taken up again by itself and ends as if nothing had happened."""

from __future__ import annotations

from tests.processes.deployment import Deployment, kill_all_of
from tests.sync.undoing import ask, links_of, users_of
from webapp.queue import wake


def test_an_undo_whose_worker_is_killed_is_taken_up_again_by_itself(deployment: Deployment) -> None:
    office = deployment.office
    office.user("Here Before", "here.before@example.com", "here.before@example.com")
    users, links = users_of(office), links_of(office)
    deployment.scheduler()
    first = deployment.worker()
    run = office.request()
    wake.wake_soon(run.id, 1)
    run = deployment.wait_for_end(run)
    assert run.imported > 100
    undo = ask(office, run)
    wake.wake_soon(undo.id, 1)
    deployment.wait(lambda: office.run(undo.id).done >= 20)
    kill_all_of(first)
    assert office.run(undo.id).state == "running"
    assert len(office.users()) > 1
    deployment.worker()
    undo = deployment.wait_for_end(undo)
    assert (undo.state, undo.attempt) == ("completed", 2)
    assert [event["title"] for event in undo.timeline or []].count("Taken up again") == 1
    assert undo.removed == run.imported
    assert (users_of(office), links_of(office)) == (users, links)
