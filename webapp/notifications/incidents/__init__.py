"""Telling people: who wants to hear of what, and the mails about incidents and about people who wait."""
