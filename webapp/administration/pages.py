"""The pages of this area."""

from __future__ import annotations

from webapp.administration.audit.views import bp as audit
from webapp.administration.roles.views import bp as roles
from webapp.administration.settings.views import bp as settings
from webapp.administration.structure.views import bp as structure

PAGES = (
    roles,
    structure,
    settings,
    audit,
)
