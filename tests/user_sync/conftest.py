"""The same desk as for the Platforms pages."""

from tests.platforms.conftest import desk, intercom, settings

__all__ = ["desk", "intercom", "settings"]
