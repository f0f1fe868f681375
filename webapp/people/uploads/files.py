"""The two files that the upload gives: the template, and the rows that could not be added."""

from __future__ import annotations

from webapp.core.spreadsheets.cells import MARK, csv_lines
from webapp.people.directory.directory import AGENT, Directory
from webapp.people.uploads.columns import COLUMNS, OWN_COLUMNS
from webapp.people.uploads.parse import EXAMPLE, Sheet


def template(directory: Directory) -> str:
    """All columns with one example, which an upload passes over."""
    agent = next((role.name for role in directory.roles if role.key == AGENT), "Agent")
    team = directory.open_teams[-1].path if directory.open_teams else ""
    return MARK + csv_lines([tuple(COLUMNS), (*EXAMPLE, "", agent, team, "")])


def problem_rows(sheet: Sheet) -> str:
    """Rows as they were uploaded, with their number and what to do; ready to be corrected and uploaded again."""
    row, reason = OWN_COLUMNS
    rows = [(row, *sheet.headings, reason)]
    rows += [(str(line.number), *line.cells, line.why) for line in sheet.lines]
    return MARK + csv_lines(rows)
