from tests.pages.conftest import at, owner, rival, shop

__all__ = ["at", "owner", "rival", "shop"]
