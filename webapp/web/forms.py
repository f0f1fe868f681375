"""What forms have in common, and a part of WTForms that its type stubs do not know yet."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SelectChoice  # type: ignore[attr-defined]

from webapp.core.text import clean

__all__ = ["RefusableForm", "SelectChoice", "one_line"]


def one_line(text: str | None) -> str:
    """A field's filter: what was typed as one trimmed line that shows what it is."""
    return clean(text) or ""


class RefusableForm(FlaskForm):
    """A form that takes the refusal of a use case."""

    def refuse(self, field: str, text: str) -> None:
        """Say beside the field ``field`` (or above the form, where it has none) why it cannot be."""
        if field in self:
            self[field].errors = [*self[field].errors, text]
        else:
            self.form_errors.append(text)
