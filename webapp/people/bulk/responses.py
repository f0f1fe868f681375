"""What a request to one of the Users screens asks for and how it is answered, the same way by all of them."""

from __future__ import annotations

from flask import abort, current_app, flash, g, redirect, request, url_for
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from webapp.core.models import db
from webapp.core.permissions import Access
from webapp.people.bulk.licence_forecast import of_licences
from webapp.people.bulk.page import Batch
from webapp.people.directory.bulk import Done
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.directory.filters import Filters
from webapp.people.directory.giving import seen_by
from webapp.people.directory.selection import Selection, UnknownUsers, read_selection
from webapp.people.directory.setup import Giver
from webapp.people.invitations.status import on_their_way


def directory_here() -> Directory:
    """The directory of the contract in the address."""
    return directory_of(db.session(), g.access.contract.id)


def giver_here(directory: Directory) -> Giver:
    """What whoever asks may give."""
    access: Access = g.access
    return Giver(access.permissions, seen_by(db.session(), directory, access.user.id))


def selection_here(directory: Directory, *statuses: str) -> Selection:
    """The selection in the form or the address, made on the list of one of ``statuses``; else 404."""
    try:
        selection = read_selection(request.values, directory)
    except UnknownUsers:
        abort(404)
    if selection.filters.status not in statuses:
        abort(404)
    return selection


def shown_stamp() -> str:
    """The stamp of everybody who was shown."""
    return request.form.get("stamp", "")


def nobody_left(selection: Selection, batch: Batch | None = None) -> Response:
    """Back to the list, saying why nobody was left to do it to."""
    reasons = batch.why_nobody if batch is not None else []
    text = " ".join(reasons) or "Nobody is selected. Tick the people first."
    flash(f"{text} Nothing was changed.", "warning")
    slug = g.access.contract.slug
    return redirect(url_for("users.index", contract=slug, **selection.filters.params()))


def what_was_done(done: Done, status: str, what: str, rest: str, asked_on: Filters) -> Response:
    """Say what was done, with the way back if there is one, and show it.

    ``asked_on`` is the list it was asked for on; one that was narrowed is not lost.
    """
    people = f"{done.names[0]} is" if len(done.ids) == 1 else f"{len(done.ids):,} people are"
    sent = f" {on_their_way(done.invited, leave=_mail_leaves())}" if done.invited else ""
    slug = g.access.contract.slug
    undo = Markup("")
    if done.activation_id is not None:
        url = url_for("activations.show", contract=slug, activation_id=done.activation_id)
        undo = Markup(' <a href="{}">Undo…</a>').format(url)
    back = Markup("")
    if asked_on.narrowed:
        url = url_for("users.index", contract=slug, **asked_on.params())
        back = Markup(' <a href="{}">Back to the list</a>').format(url)
    flash(
        escape(f"{people} {what}. {of_licences(done.free, done.bought)} {rest}.{sent}") + undo + back,
        "success",
    )
    if len(done.ids) == 1:
        return redirect(url_for("users.show", contract=slug, user=done.ids[0]))
    return redirect(url_for("users.index", contract=slug, status=status, sort="-since"))


def _mail_leaves() -> bool:
    return current_app.extensions["settings"].mail is not None
