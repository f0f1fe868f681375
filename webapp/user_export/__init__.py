"""A list of users as a file for spreadsheets."""
