"""Forms of the upload of users."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, HiddenField


class FileForm(FlaskForm):
    """The file itself."""

    file: Any = FileField("CSV file", validators=[FileRequired("Choose a file first.")])

    def refuse(self, text: str) -> None:
        self.file.errors = [*self.file.errors, text]


class AddForm(FlaskForm):
    """What was looked at, and whether the rows with a problem stay out."""

    stamp = HiddenField()
    leave_out: Any = BooleanField("Leave out the rows with a problem")

    def refuse(self, text: str) -> None:
        self.leave_out.errors = [*self.leave_out.errors, text]
