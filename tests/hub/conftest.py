import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The test folders are no packages: what they share lies one folder up.
sys.path.insert(0, str(Path(__file__).parents[1]))

from loopback_hub import LoopbackHub


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    with LoopbackHub() as running:
        yield running
