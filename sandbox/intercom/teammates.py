"""Made-up teammates: the same for the same seed, with the oddities that real lists have."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sandbox.people import SamplePerson, people

FIRST_ID = 991267460
DOMAIN = "kestrel.example"
TITLES = (
    "Support specialist", "Senior support specialist", "Team lead", "Quality analyst", "Onboarding specialist",
    "Billing specialist", "Support engineer", "Shift manager",
)  # fmt: skip
ROLES = (("1", "Support Agent"), ("2", "Team Lead"), ("3", "Workspace Admin"))
TEAMS = (814865, 814866, 814870, 493881, 493882)

# Who allows apps to read.
OWNER: dict[str, Any] = {
    "id": "991267400",
    "name": "Rosalind Achebe",
    "email": "rosalind.achebe@kestrel.example",
    "job_title": "Head of support",
    "away_status_reason_id": None,
    "team_ids": list(TEAMS),
    "role": {"type": "role", "id": "3", "name": "Workspace Admin"},
}


def teammates(count: int, seed: int, *, odd: bool) -> Iterator[dict[str, Any]]:
    """``count`` objects as in GET /admins of the newest version. ``odd`` makes the first ones strange."""
    pick = random.Random(seed)
    for number, person in enumerate(islice(people(seed), count)):
        admin = _ordinary(pick, number, person)
        if odd and number < len(ODDITIES):
            admin = _without(admin | ODDITIES[number])
        yield admin


def bot(workspace: str) -> dict[str, Any]:
    """Intercom's bot, which the customer has given a name of their own."""
    return {
        "id": "991267459",
        "name": "Kit from Kestrel",
        "email": f"operator+{workspace}@intercom.io",
        "away_status_reason_id": None,
    }


# Each is laid over an ordinary teammate; "…" takes a field out.
ODDITIES: tuple[dict[str, Any], ...] = (
    {"job_title": "…"},
    {"name": "Sam Reyes", "email": "sam.reyes@kestrel.example"},
    {"name": "Sam Reyes", "email": "s.reyes@kestrel.example"},
    {"name": "Ingrid Solheim", "email": "Ingrid.SOLHEIM@Kestrel.Example"},
    {"name": "佐藤 美咲", "email": "misaki.kondo@kestrel.example"},
    {"name": "Nguyễn Thị Minh Khai", "email": "minh.khai@kestrel.example"},
    {"has_inbox_seat": False, "role": None},
    {"name": "Support Team", "email": "support@kestrel.example", "job_title": "…"},
    {"team_priority_level": {}, "team_ids": []},
    {"role": "…", "team_priority_level": None},
    {"job_title": None},
    {"name": "  Halvard Moe ", "email": "halvard.moe@kestrel.example"},
    {"away_mode_enabled": True, "away_mode_reassign": True, "away_status_reason_id": 7},
)


def _ordinary(pick: random.Random, number: int, person: SamplePerson) -> dict[str, Any]:
    team = pick.choice(TEAMS)
    role_id, role = ROLES[0] if pick.random() < 0.85 else pick.choice(ROLES[1:])
    id_ = str(FIRST_ID + number)
    return {
        "type": "admin",
        "id": id_,
        "name": person.name,
        "email": f"{person.local_part}@{DOMAIN}",
        "job_title": pick.choice(TITLES),
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "away_status_reason_id": None,
        "has_inbox_seat": pick.random() > 0.05,
        "team_ids": [team],
        "team_priority_level": {"primary_team_ids": [team], "secondary_team_ids": []},
        "role": {"type": "role", "id": role_id, "name": role},
        "avatar": f"https://static.intercomassets.example/avatars/{id_}.png",
    }


def _without(admin: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in admin.items() if value != "…"}
