"""What is drawn is kept. Not proved here: that the engine keeps it (tests/engine/test_data.py does)."""

from pulumi import Output, ResourceOptions

from components.drawn_secrets import given_or_drawn, keeping_drawn
from tests.recorder import record


def test_a_value_is_drawn_where_none_is_given_and_is_a_secret_either_way() -> None:
    seen: list[tuple[str, bool]] = []

    def look(output: Output[str]) -> None:
        Output.all(output.apply(str), output.is_secret()).apply(lambda pair: seen.append((pair[0], pair[1])))

    record(lambda: [look(given_or_drawn("given")), look(given_or_drawn(None)), look(given_or_drawn(None, 48))] and None)
    assert [value for value, _ in seen][0] == "given"
    drawn, longer = seen[1][0], seen[2][0]
    assert (len(drawn), len(longer)) == (32, 64)
    assert all(secret for _, secret in seen)


def test_only_a_drawn_value_is_ignored_in_later_runs() -> None:
    options = ResourceOptions(protect=True)
    drawn = keeping_drawn(options, "password")
    assert (drawn.ignore_changes, drawn.protect) == (["password"], True)
    assert keeping_drawn(options, "password", given=True) is options
