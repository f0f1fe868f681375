"""What the code, the package and the changelog say about the release is the same."""

from __future__ import annotations

import re
import tomllib

from tests.servers.processes import ROOT
from tests.upgrades.rows import LANDED
from webapp.core.release import VERSION
from webapp.core.schema_version import newest

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASES = re.findall(
    r"^## \[([\d.]+)\] - (unreleased|\d{4}-\d\d-\d\d)$(.*?)(?=^## |\Z)", CHANGELOG, re.MULTILINE | re.DOTALL
)


def test_the_release_has_one_number() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert package["project"]["version"] == VERSION == RELEASES[0][0]


def test_releases_are_in_order_and_only_the_newest_may_be_open() -> None:
    numbers = [tuple(map(int, number.split("."))) for number, _, _ in RELEASES]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) >= 2
    assert all(date != "unreleased" for _, date, _ in RELEASES[1:])


def test_each_release_names_its_database_and_databases_of_it_are_tried() -> None:
    databases = [re.findall(r"^Database: `(\w+)`$", text, re.MULTILINE) for _, _, text in RELEASES]
    assert {len(names) for names in databases} == {1}
    assert databases[0] == sorted(newest())
    assert {name for names in databases[1:] for name in names} <= set(LANDED)
