"""The house: few rooms under one roof, and Flask only where pages are made. Directions of imports: pyproject.toml."""

from __future__ import annotations

import ast
from pathlib import Path

WEBAPP = Path(__file__).parents[1] / "webapp"
# Areas whose use cases get the actor and the page as arguments.
AREAS = ("accounts", "administration", "integrations", "notifications", "people", "sync")
# Beside views and forms: what only serves pages, or one request's cookie, or is handed addresses of pages.
OF_PAGES = {
    "accounts/sign_in/session_cookie.py",
    "accounts/sign_in/sign_in_manager.py",
    "integrations/connection/rows.py",
    "integrations/shared/run_rows.py",
    "notifications/mail/urls.py",
    "people/bulk/page.py",
    "people/bulk/responses.py",
    "people/bulk/setup_form.py",
    "people/directory/counts.py",
    "people/leavers/queries.py",
    "people/users/list_page.py",
}


def flask_in(source: str) -> set[str]:
    """The packages of Flask for requests and forms that ``source`` imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name.split(".")[0] for name in names} & {"flask", "flask_login", "flask_wtf"}
    return found


def test_at_most_sixteen_names_lie_directly_under_webapp() -> None:
    names = {path.relative_to(WEBAPP).parts[0] for path in WEBAPP.rglob("*.py")}
    assert len(names) <= 16, sorted(names)


def test_each_area_says_what_lives_there_and_what_it_may_import() -> None:
    silent = []
    for area in WEBAPP.iterdir():
        if area.is_dir() and any(area.rglob("*.py")) and area.name != "commands":
            said = ast.get_docstring(ast.parse((area / "__init__.py").read_text(encoding="utf-8"))) or ""
            silent += [] if "may import" in said else [area.name]
    assert silent == []


def test_use_cases_know_no_flask() -> None:
    assert flask_in("from flask import g") == flask_in("import flask.views") == {"flask"}
    found = {
        str(path.relative_to(WEBAPP))
        for area in AREAS
        for path in (WEBAPP / area).rglob("*.py")
        if not path.stem.endswith(("views", "forms", "pages")) and flask_in(path.read_text(encoding="utf-8"))
    }
    assert found == OF_PAGES
