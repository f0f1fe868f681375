"""The pages of this area."""

from __future__ import annotations

from webapp.accounts.profile.views import bp as profile
from webapp.accounts.reset.views import bp as reset
from webapp.accounts.sign_in.views import bp as sign_in

PAGES = (
    sign_in,
    profile,
    reset,
)
