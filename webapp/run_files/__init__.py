"""What of a run can be taken away: its lines for spreadsheets and programs, and a redacted bundle for support."""
