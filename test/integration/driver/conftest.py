"""Comparisons of the driver with ccxt; one gateway and one exchange for all files."""

from collections.abc import Iterator

import pytest

from kit.exchanges.ccxt_differential import Runs, run_differential


@pytest.fixture(scope="package")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Both sides, ready to trade."""
    with run_differential(tmp_path_factory.mktemp("differential")) as opened:
        yield opened
