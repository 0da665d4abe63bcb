"""What `verify-controllers` builds and how it says what happened. That controllers build is its own run's to prove."""

import pytest

from tests.controllers.conftest import TESTED
from tools.controllers import CONTROLLERS, SUMS, Built, module_directory, table
from tools.errors import ToolError


@pytest.mark.parametrize("controller", CONTROLLERS, ids=lambda one: one.name)
def test_the_version_that_is_installed_has_a_pinned_checksum(controller):
    """A bump of a chart without one fails here, and not in a build that nobody runs."""
    modules = [controller.module, *(f"{controller.module}/{folder}" for folder in controller.nested)]
    assert [
        f"{module}@{controller.version}" for module in modules if f"{module}@{controller.version}" not in SUMS
    ] == []


def test_every_controller_has_statements_and_every_file_a_controller():
    assert sorted(TESTED) == sorted(one.name for one in CONTROLLERS)


def test_a_module_without_a_checksum_is_not_downloaded():
    with pytest.raises(ToolError, match="checksum is not pinned"):
        module_directory("example.com/unknown", "v1.0.0", {})


def test_the_table_says_what_was_built_and_what_was_found():
    built = [Built("one", "example.com/one@v1", 61.4), Built("two", "example.com/two@v2", 3, "403 Forbidden")]
    found = [{"controller": "one", "statement": "it starts", "result": "failed", "problem": "no matches for kind"}]
    assert table(built, found).splitlines() == [
        "one                      example.com/one@v1: built in 61 s",
        "    failed   it starts",
        "             no matches for kind",
        "two                      example.com/two@v2: not built: 403 Forbidden",
    ]
