"""Which users a list shows: the parameters of its address, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from webapp.core.models.user import USER_STATUSES
from webapp.people.directory.directory import Directory

SORTS = ("name", "username", "email", "role", "since", "gone")
NONE = "none"  # a filter's value for users without any team or role
ANY = "any"  # a filter's value for users missing from whichever platform
LEAVER_STATUSES = ("pending", "active", "inactive")
GONE = {  # which leavers a list is of, and the statuses they can have
    "nowhere": LEAVER_STATUSES,  # on no platform any more
    "elsewhere": LEAVER_STATUSES,  # missing from one, still on another
    "back": ("inactive",),  # deactivated as gone, and on a platform again
    "due": ("active",),  # whom the contract's rule would deactivate now
}
SEARCH_LENGTH = 200  # characters
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # no name holds one, and Postgres takes no text with the first


@dataclass(frozen=True)
class Filters:
    """What a list was narrowed to; an empty text means any. ``sort`` begins with "-" for the reverse order."""

    status: str = "active"
    q: str = ""
    platform: str = ""
    missing: str = ""
    team: str = ""
    role: str = ""
    sort: str = "name"
    gone: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the status limits who is listed."""
        return any((self.q, self.platform, self.missing, self.team, self.role, self.gone))

    def params(self) -> dict[str, Any]:
        """The parameters that lead to this list again."""
        named: dict[str, Any] = {
            "q": self.q,
            "platform": self.platform,
            "missing": self.missing,
            "team": self.team,
            "role": self.role,
            "gone": self.gone,
            "sort": "" if self.sort == "name" else self.sort,
        }
        return {"status": self.status} | {name: value for name, value in named.items() if value}


def read_filters(values: Mapping[str, str], directory: Directory) -> Filters:
    """The filters in ``values``; what does not exist in the contract is passed over."""
    found = Filters(
        status=_known(values.get("status"), USER_STATUSES, "active"),
        q=" ".join(_CONTROL.sub(" ", values.get("q", "")).split())[:SEARCH_LENGTH].strip(),
        platform=_known(values.get("platform"), directory.integrations),
        missing=_known(values.get("missing"), (ANY, *directory.integrations)),
        team=_known(values.get("team"), (NONE, *map(str, directory.team_by_id))),
        role=_known(values.get("role"), (NONE, *map(str, directory.role_by_id))),
        gone=_known(values.get("gone"), GONE),
    )
    if found.gone and found.status not in GONE[found.gone]:
        found = replace(found, status=GONE[found.gone][0])
    if found.missing == ANY and len(directory.integrations) == 1:
        found = replace(found, missing=next(iter(directory.integrations)))
    sort = values.get("sort", "")
    return replace(found, sort=sort if sort.removeprefix("-") in SORTS else "name")


def _known(value: str | None, allowed: Mapping[str, object] | tuple[str, ...], default: str = "") -> str:
    return value if value is not None and value in allowed else default
