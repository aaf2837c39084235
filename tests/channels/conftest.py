from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.graph_server import GraphServer, graph_server


@pytest.fixture
def graph(settings: Any) -> Iterator[GraphServer]:
    with graph_server() as server:
        settings.META_GRAPH_ORIGIN = server.origin
        yield server
