"""The pages of this area."""

from __future__ import annotations

from webapp.notifications.incidents.views import bp as incidents
from webapp.notifications.mail.views import bp as mail
from webapp.notifications.webhooks.views import bp as webhooks

PAGES = (
    incidents,
    mail,
    webhooks,
)
