from collections.abc import Iterator

import pytest

from tests.kill.door import Databases


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(tmp_path_factory.mktemp("databases"))
    with made.stack:
        yield made
