"""What a request to one of the Users screens asks for, read the same way by all of them."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, url_for
from werkzeug.wrappers import Response

from webapp.models import db
from webapp.users.batches import Batch
from webapp.users.directory import Directory, directory_of
from webapp.users.selection import Selection, UnknownUsers, read_selection


def directory_here() -> Directory:
    """The directory of the contract in the address."""
    return directory_of(db.session(), g.access.contract.id)


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
