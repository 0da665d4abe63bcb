"""prometheus-operator on the CRDs that the platform installs.

Not proved here: what it makes of our monitors and rules, and that Prometheus loads it.
"""

import pytest

from tests.controllers.conftest import free_port


@pytest.fixture(scope="module")
def operator(home):
    home.install("prometheus-operator")
    program = home.run(f"--web.listen-address=127.0.0.1:{free_port()}")
    program.says("connection established")
    return program


def test_it_starts_on_the_crds_that_the_platform_installs(operator):
    operator.says("successfully synced all caches")
    assert not operator.ended, operator.said[-2000:]
