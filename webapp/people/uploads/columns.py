"""The columns a file of users may have, and the names people give them. Pure."""

from __future__ import annotations

from webapp.core.match_keys import match_key

HEADING_MAX = 100  # characters of a heading that are looked at

# key: what the column holds, as the page says
COLUMNS: dict[str, str] = {
    "name": "Full name, up to 255 characters. Needed.",
    "username": "3 to 100 characters, no other user’s. Left empty, it is the email.",
    "email": "Email address.",
    "third_party_id": "Their ID in Intercom or Zendesk; later syncs find them by it.",
    "roles": "Role names, several with ; between. Only for adding and activating.",
    "team": "Name or path of one team. Only for adding and activating; agents need one.",
    "reporting_access": "Parts of the structure they may see, several with ; between. "
    "Only for adding and activating; all roles but Agent need it.",
}
SET_UP = ("roles", "team", "reporting_access")

_ALIASES: dict[str, str] = {
    "name": "name",
    "fullname": "name",
    "displayname": "name",
    "username": "username",
    "login": "username",
    "loginname": "username",
    "email": "email",
    "emailaddress": "email",
    "mail": "email",
    "thirdpartyid": "third_party_id",
    "externalid": "third_party_id",
    "userid": "third_party_id",
    "intercomid": "third_party_id",
    "zendeskid": "third_party_id",
    "role": "roles",
    "roles": "roles",
    "team": "team",
    "reportingaccess": "reporting_access",
    "reporting": "reporting_access",
}
# What the file of rows with a problem has beside them.
OWN_COLUMNS = ("row", "what to do")


def column_of(heading: str) -> str | None:
    """The key of the column with this heading, whatever its case and signs; ``None`` for an unknown one."""
    text = match_key(heading[:HEADING_MAX]) or ""
    return _ALIASES.get("".join(char for char in text if char.isalnum()))
