"""Made-up teammates: the same for the same seed, with the oddities that real lists have."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from typing import Any

FIRST_ID = 991267460
DOMAIN = "kestrel.example"

GIVEN = (
    "Ada", "Amara", "Anaïs", "Björn", "Bronagh", "Carlos", "Chiara", "Daan", "Dara", "Eilidh", "Emre", "Fatima",
    "Femi", "Freya", "Gašper", "Grace", "Hana", "Héloïse", "Ifeoma", "Ines", "Ivan", "Jakub", "Jiří", "Joaquín",
    "Kaia", "Kofi", "Lars", "Leïla", "Łukasz", "Mairéad", "Marek", "Mei", "Nadia", "Niamh", "Oksana", "Omar",
    "Priya", "Quentin", "Rania", "Rhys", "Sahar", "Søren", "Sunita", "Tamsin", "Thiago", "Ulrike", "Valentina",
    "Wren", "Xiomara", "Yusuf", "Zoë", "Zsófia", "Дарья", "Ελένη",
)  # fmt: skip
FAMILY = (
    "Abernathy", "Adeyemi", "Ångström", "Bakker", "Bevan", "Castellanos", "Chaudhry", "Danjuma", "Dvořák",
    "Eriksen", "Fairweather", "Ferreira", "Gallagher", "García", "Haddad", "Horváth", "Ito", "Jabłoński",
    "Johansson", "Kowalska", "Kumar", "Lindqvist", "Lopes", "MacLeod", "Marchetti", "Mbeki", "Nakamura",
    "Novák", "O’Connor", "Okafor", "Olsen", "Oyelaran", "Pereira", "Petrov", "Quinn", "Rao", "Rossi",
    "Saito", "Schröder", "Silva", "Sørensen", "Tanaka", "Þórsdóttir", "Ubeda", "Van den Berg", "Wójcik",
    "Xu", "Yilmaz", "Zieliński", "Иванова", "Παπαδάκη",
)  # fmt: skip
TITLES = (
    "Support specialist", "Senior support specialist", "Team lead", "Quality analyst", "Onboarding specialist",
    "Billing specialist", "Support engineer", "Shift manager",
)  # fmt: skip
ROLES = (("1", "Support Agent"), ("2", "Team Lead"), ("3", "Workspace Admin"))
TEAMS = (814865, 814866, 814870, 493881, 493882)


def teammates(count: int, seed: int, *, odd: bool) -> Iterator[dict[str, Any]]:
    """``count`` objects as in GET /admins of the newest version. ``odd`` makes the first ones strange."""
    pick = random.Random(seed)
    for number in range(count):
        admin = _ordinary(pick, number)
        if odd and number < len(ODDITIES):
            admin = _without(admin | ODDITIES[number])
        yield admin


def bot(workspace: str) -> dict[str, Any]:
    """Intercom's bot, which the customer has given a name of their own."""
    return {
        "type": "admin",
        "id": "991267459",
        "name": "Kit from Kestrel",
        "email": f"operator+{workspace}@intercom.io",
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "away_status_reason_id": None,
        "has_inbox_seat": True,
        "team_ids": [],
    }


# Each is laid over an ordinary teammate; "…" takes a field out.
ODDITIES: tuple[dict[str, Any], ...] = (
    {"job_title": "…"},
    {"name": "Sam Reyes", "email": "sam.reyes@kestrel.example"},
    {"name": "Sam Reyes", "email": "sam.reyes2@kestrel.example"},
    {"name": "Ingrid Solheim", "email": "Ingrid.SOLHEIM@Kestrel.Example"},
    {"name": "佐藤 美咲", "email": "misaki.sato@kestrel.example"},
    {"name": "Nguyễn Thị Minh Khai", "email": "minh.khai@kestrel.example"},
    {"has_inbox_seat": False, "role": None},
    {"name": "Support Team", "email": "support@kestrel.example", "job_title": "…"},
    {"team_priority_level": {}, "team_ids": []},
    {"role": "…", "team_priority_level": None},
    {"job_title": None},
    {"name": "  Halvard Moe ", "email": "halvard.moe@kestrel.example"},
    {"away_mode_enabled": True, "away_mode_reassign": True, "away_status_reason_id": 7},
)


def _ordinary(pick: random.Random, number: int) -> dict[str, Any]:
    given, family = pick.choice(GIVEN), pick.choice(FAMILY)
    team = pick.choice(TEAMS)
    role_id, role = ROLES[0] if pick.random() < 0.85 else pick.choice(ROLES[1:])
    id_ = str(FIRST_ID + number)
    return {
        "type": "admin",
        "id": id_,
        "name": f"{given} {family}",
        "email": f"{_ascii(given, 'agent')}.{_ascii(family, 'k')}.{number}@{DOMAIN}",
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


def _ascii(word: str, default: str) -> str:
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    return "".join(char for char in plain.lower() if char.isalnum()) or default


def _without(admin: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in admin.items() if value != "…"}
