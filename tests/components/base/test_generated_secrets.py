"""What is drawn is kept. Not proved here: that the engine keeps it (tests/engine/test_data.py does)."""

from pulumi import Output, ResourceOptions

from components.base.generated_secrets import given_or_drawn, keeping_drawn
from tests.recorder import record


def test_a_value_is_drawn_where_none_is_given_and_is_a_secret_either_way() -> None:
    seen: list[tuple[str, bool]] = []

    def look(output: Output[str]) -> None:
        Output.all(output.apply(str), output.is_secret()).apply(lambda pair: seen.append((pair[0], pair[1])))

    def program() -> None:
        for output in (given_or_drawn("given"), given_or_drawn(None), given_or_drawn(None, 48)):
            look(output)

    record(program)
    (given, _), (drawn, _), (longer, _) = seen
    assert given == "given"
    assert (len(drawn), len(longer)) == (32, 64)
    assert all(secret for _, secret in seen)


def test_only_a_drawn_value_is_ignored_in_later_runs() -> None:
    options = ResourceOptions(protect=True)
    drawn = keeping_drawn(options, "password")
    assert (drawn.ignore_changes, drawn.protect) == (["password"], True)
    assert keeping_drawn(options, "password", given=True) is options
