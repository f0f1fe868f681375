"""The kinds of people of a platform, and which of them are imported."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.core.models import UserSync
from webapp.platforms.platform import Platform


@dataclass(frozen=True)
class TypeRow:
    """One kind of people: an account's own (a custom role) or one that every account has."""

    key: str
    label: str
    imported: bool


def types_of(platform: Platform, sync: UserSync) -> list[TypeRow]:
    """The types of the last fetch, or before one those that every account has; none where there are no types.

    A type that is left out stays in the list although the last fetch did not see it.
    """
    defaults = {one.key for one in platform.user_types if not one.by_default}
    left_out = defaults if sync.left_out_types is None else set(sync.left_out_types)
    labels = {one.key: one.label for one in platform.user_types}
    if sync.types_seen:
        labels = {one["key"]: one["label"] for one in sync.types_seen}
    for key in sorted(left_out - labels.keys()):
        labels[key] = key.replace("_", " ").replace("custom:", "Custom role ").capitalize()
    return [TypeRow(key, label, key not in left_out) for key, label in labels.items()]
