"""What every test against upstream's facts stands on: the values that our code sets, recorded once."""

from typing import Any

import pytest

from tests.upstream.cases import cases
from tools import toolchain as toolchains
from tools.progress import Silent
from tools.toolchain import Toolchain


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """The real tools, made ready if they are not."""
    return toolchains.ensure(Silent())


@pytest.fixture(scope="session")
def recorded() -> dict[tuple[str, str], dict[str, Any]]:
    """(chart, case) -> its namespace and values."""
    return {(one["chart"], one["case"]): one for one in cases()}
