"""Intercom's own OpenAPI description, which is read and never copied here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30ReadValidator, oas30_format_checker

FILE = "intercom-openapi.yaml"


def described_in(environ: Mapping[str, str]) -> Path:
    """The file in the folder ``OPENAPI_DIR``. Without that variable the test is skipped, in CI it fails."""
    folder = environ.get("OPENAPI_DIR")
    if not folder:
        if environ.get("CI"):
            pytest.fail("CI must check the official description: set OPENAPI_DIR to the folder that holds it")
        pytest.skip(f"OPENAPI_DIR is not set: it names the folder of Intercom's {FILE}")
    path = Path(folder) / FILE
    if not path.is_file():
        pytest.fail(f"OPENAPI_DIR is {folder}, which holds no {FILE}")
    return path


class Description:
    """The description: which schema an answer has, and what about an answer does not fit it."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    def schema(self, name: str) -> dict[str, Any]:
        """``components/schemas/<name>``."""
        found: dict[str, Any] = self._content["components"]["schemas"][name]
        return found

    def of_answer(self, method: str, path: str, status: int) -> dict[str, Any]:
        """The schema of an answer of ``path`` (with ``{admin_id}``): the path's own, else that of any error."""
        answers = self._content["paths"].get(path, {}).get(method.lower(), {}).get("responses", {})
        if str(status) not in answers:
            assert status >= 400, f"{method} {path} has no answer {status}"
            return self.schema("error")
        schema: dict[str, Any] = answers[str(status)]["content"]["application/json"]["schema"]
        return schema

    def problems(self, schema: dict[str, Any], answer: object) -> list[str]:
        """Where ``answer`` does not fit, one line each."""
        whole = {**schema, "components": self._content["components"]}  # what $ref points into
        validator = OAS30ReadValidator(whole, format_checker=oas30_format_checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer)]


@cache
def official() -> Description:
    """The description, read once for each test process."""
    with described_in(os.environ).open(encoding="utf-8") as file:
        return Description(yaml.load(file, Loader=yaml.CSafeLoader))
