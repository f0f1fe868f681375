"""The same desk as for the Platforms pages."""

from tests.platforms.conftest import _intercom, desk, intercom, settings

__all__ = ["_intercom", "desk", "intercom", "settings"]
