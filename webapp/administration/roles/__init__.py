"""The roles editor: what each role of a contract permits."""
