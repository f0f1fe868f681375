"""What a setting must be before anything starts with it. ``config.py`` reads them; each rule stands here once."""


class SettingsError(Exception):
    """A setting is missing, weak or contradictory; the text says which one and what to do."""
