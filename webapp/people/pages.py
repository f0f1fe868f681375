"""The pages of this area."""

from __future__ import annotations

from webapp.people.activation.grid_views import bp as grid
from webapp.people.activation.ignore_views import bp as ignoring
from webapp.people.activation.undo_views import bp as activations
from webapp.people.edit.views import bp as edit
from webapp.people.invitations.views import bp as invitations
from webapp.people.leavers.views import bp as leavers
from webapp.people.merges.views import bp as merges
from webapp.people.sign_ins.views import bp as sign_ins
from webapp.people.uploads.views import bp as uploads
from webapp.people.users.export_views import bp as export
from webapp.people.users.history_views import bp as history
from webapp.people.users.views import bp as users

PAGES = (
    users,
    invitations,
    edit,
    export,
    history,
    sign_ins,
    grid,
    activations,
    ignoring,
    uploads,
    merges,
    leavers,
)
