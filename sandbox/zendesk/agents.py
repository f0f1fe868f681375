"""Made-up agents: the same for the same seed, with the oddities that real accounts have."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sandbox.people import SamplePerson, people

FIRST_ID = 369_537_351_000  # beyond 32 bits, as real ones are
OWNER: dict[str, Any] = {
    "id": FIRST_ID,
    "name": "Rosalind Achebe",
    "email": "rosalind.achebe@kestrel.example",
    "role": "admin",
    "role_type": 4,
}
CREATED = "2021-03-04T09:15:00Z"

# Each is laid over an ordinary agent. The first few work in Intercom too, some under other spellings of the address.
ODDITIES: tuple[dict[str, Any], ...] = (
    {"role": "admin", "role_type": None, "custom_role_id": None, "restricted_agent": False},
    {"name": "Sam Reyes", "email": "SAM.REYES@kestrel.example"},
    {"name": "Ingrid Solheim", "email": "ingrid.solheim@kestrel.example"},
    {"name": "Minh Khai", "email": "minh.khai@kestrel.example", "alias": "Minh"},
    {"name": "Halvard Moe", "email": "halvard.moe@kestrel.example"},
    {"custom_role_id": 16, "role_type": 0},
    {"custom_role_id": 17, "role_type": 0, "name": "Zuzana Černá", "email": "zuzana.cerna@kestrel.example"},
    {"custom_role_id": 18, "role_type": 1, "only_private_comments": True},
    {"custom_role_id": 18, "role_type": 1, "only_private_comments": True},
    {"role_type": 3},
    {"role_type": 5, "role": "admin"},
    {"suspended": True},
    {"suspended": True},
    {"shared_agent": True, "external_id": None},
    {"external_id": None, "user_fields": {"staff_number": None, "site": None}},
    {"alias": "Mr Tickets", "name": "Þórdís Ægisdóttir", "email": "thordis@kestrel.example"},
)


def agents(count: int, seed: int, subdomain: str, *, odd: bool) -> Iterator[dict[str, Any]]:
    """``count`` objects as in GET /api/v2/users, the first of them the owner. ``odd`` makes the next ones strange."""
    pick = random.Random(seed)
    for number, person in enumerate(islice(people(seed), count)):
        agent = _ordinary(pick, number, person, subdomain)
        if number == 0:
            agent |= OWNER
        elif odd and number <= len(ODDITIES):
            agent |= ODDITIES[number - 1]
        yield agent


def _ordinary(pick: random.Random, number: int, person: SamplePerson, subdomain: str) -> dict[str, Any]:
    return {
        "id": FIRST_ID + number,
        "url": f"https://{subdomain}.zendesk.com/api/v2/users/{FIRST_ID + number}.json",
        "name": person.name,
        "email": f"{person.local_part}@{subdomain}.example",
        "created_at": CREATED,
        "updated_at": CREATED,
        "time_zone": "London",
        "iana_time_zone": "Europe/London",
        "locale_id": 1,
        "locale": "en-US",
        "role": "agent",
        "role_type": None,
        "custom_role_id": None,
        "restricted_agent": True,
        "only_private_comments": False,
        "chat_only": False,
        "verified": True,
        "active": True,
        "suspended": False,
        "shared": False,
        "shared_agent": False,
        "external_id": f"{subdomain[:2].upper()}-{1000 + number}",
        "tags": [],
        "user_fields": {"staff_number": str(50_000 + number), "site": pick.choice(("Leeds", "Porto"))},
    }
