from tests.users.conftest import administrator, manager, world

__all__ = ["administrator", "manager", "world"]
