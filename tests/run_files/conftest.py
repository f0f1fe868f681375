from tests.sync_status.conftest import watched

__all__ = ["watched"]
