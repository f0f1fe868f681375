"""The same office and administrator as for the Conflicts page."""

from tests.conflicts.conftest import actor_of, admin, office, slug

__all__ = ["actor_of", "admin", "office", "slug"]
