"""The two ways in: the engine's configuration and the text of a stack file."""

from collections.abc import Iterator

import pulumi
import pytest

from components.findings import Refused
from settings.reader import from_file, structured
from stacks.environment import read_settings
from tests.support.settings import GOOD, overlaid

ENVIRONMENT = '{"name": "test", "owner": "ml-platform", "domain": "ml.example.com"}'
CLUSTER = '{"kind": "simulated", "pools": {"cpu": {"nodesMax": 1}}}'
BROKEN = (
    '{"database": {"kind": "external", "host": "https://hunter2", "port": 5432, "database": "mlflow", '
    '"username": "u", "password": "hunter2"}}'
)


@pytest.fixture
def engine_config() -> Iterator[dict[str, str]]:
    """What the engine hands to the program."""
    values = {"mlplatform:environment": ENVIRONMENT, "mlplatform:cluster": CLUSTER, "aws:region": "eu-west-1"}
    yield values
    pulumi.runtime.set_all_config({}, [])


def test_keys_of_the_project_are_read_as_json_or_text_and_others_left_alone() -> None:
    config = {"mlplatform:a": '{"b": [1]}', "mlplatform:c": "text", "mlplatform:d": "3", "aws:region": "eu-west-1"}
    assert structured(config) == ({"a": {"b": [1]}, "c": "text", "d": 3}, [])


def test_a_misspelt_namespace_is_one_finding_and_what_stands_below_it_is_read() -> None:
    """`mlplatfrom:teams` was taken for another program's, and accepted."""
    good = GOOD.read_text(encoding="utf-8")
    with pytest.raises(Refused) as refused:
        from_file(good.replace("mlplatform:teams", "mlplatfrom:teams"))
    (finding,) = refused.value.findings
    assert (finding.path, finding.value) == ("config.mlplatfrom:teams", "mlplatfrom")
    assert finding.remedy == "did you mean mlplatform:teams?"


@pytest.mark.parametrize("namespace", ["aws", "gcp", "kubernetes", "pulumi", "platform", "ml", "mlflow"])
def test_keys_of_other_programs_are_left_alone(namespace: str) -> None:
    from_file(f"{GOOD.read_text(encoding='utf-8')}  {namespace}:teams: {{a: 1}}\n")


def test_the_engine_and_the_file_have_the_same_misspelt_namespaces_and_show_no_secret_below_them(
    engine_config: dict[str, str],
) -> None:
    pulumi.runtime.set_all_config({**engine_config, "mlplatfrom:mlflow": BROKEN}, ["mlplatfrom:mlflow"])
    with pytest.raises(Refused) as refused:
        read_settings()
    assert {finding.path for finding in refused.value.findings} == {"config.mlplatfrom:mlflow", "mlflow.database.host"}
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "0x" + "f" * 5000])
def test_a_number_of_thousands_of_digits_is_too_large_where_it_stands(
    engine_config: dict[str, str], number: str
) -> None:
    """Python reads and writes no decimal number of 4,300 digits: the answer was its error, without a place."""
    good = GOOD.read_text(encoding="utf-8")
    with pytest.raises(Refused) as refused:
        from_file(good.replace("cpu: {nodesMax: 3}", f"cpu: {{nodesMax: {number}}}"))
    assert refused.value.findings[0].path == "cluster.pools.cpu.nodesMax"
    assert refused.value.findings[0].value == "(a number of more than 1,000 digits)"
    cluster = engine_config["mlplatform:cluster"].replace('"nodesMax": 1', f'"nodesMax": {"9" * 5000}')
    pulumi.runtime.set_all_config({**engine_config, "mlplatform:cluster": cluster}, [])
    with pytest.raises(Refused, match=r"cluster\.pools\.cpu\.nodesMax: \(a number of more"):
        read_settings()


def test_the_running_stack_and_its_file_are_read_alike(engine_config: dict[str, str]) -> None:
    pulumi.runtime.set_all_config(engine_config, [])
    text = (
        "config:\n"
        "  aws:region: eu-west-1\n"
        "  mlplatform:environment: {name: test, owner: ml-platform, domain: ml.example.com}\n"
        "  mlplatform:cluster: {kind: simulated, pools: {cpu: {nodesMax: 1}}}\n"
    )
    assert read_settings() == from_file(text)


def test_what_the_engine_decrypted_is_not_shown(engine_config: dict[str, str]) -> None:
    pulumi.runtime.set_all_config({**engine_config, "mlplatform:mlflow": BROKEN}, ["mlplatform:mlflow"])
    with pytest.raises(Refused) as refused:
        read_settings()
    (finding,) = refused.value.findings
    assert (finding.path, finding.value) == ("mlflow.database.host", "[secret]")
    assert "hunter2" not in str(refused.value)
    pulumi.runtime.set_all_config({**engine_config, "mlplatform:mlflow": BROKEN.replace("hunter2", "db")}, [])
    with pytest.raises(Refused, match=r"mlflow\.database\.host: https://db"):
        read_settings()


def test_an_encrypted_value_is_taken_as_given_and_hidden() -> None:
    database = {"kind": "external", "host": "db.example.com", "database": "mlflow", "username": "u"}
    read = from_file(overlaid({"mlflow": {"database": {**database, "password": {"secure": "v1:abc"}}}}))
    assert "v1:abc" not in repr(read)
    with pytest.raises(Refused) as refused:
        from_file(overlaid({"mlflow": {"database": {**database, "port": {"secure": "v1:abc"}, "password": "x"}}}))
    (finding,) = refused.value.findings
    assert (finding.path, finding.value) == ("mlflow.database.port", "[secret]")


def test_a_mapping_with_more_than_secure_is_a_mapping() -> None:
    with pytest.raises(Refused, match=r"environment\.secure"):
        from_file(overlaid({"environment": {"secure": "v1:abc"}}))


def test_yaml_can_share_what_is_written_once() -> None:
    text = GOOD.read_text(encoding="utf-8").replace(
        "cpu: {nodesMax: 3}", "cpu: &cpu {nodesMax: 3}\n      more: {<<: *cpu}"
    )
    assert from_file(text).cluster.pools["more"] == {"nodes_max": 3}
    with pytest.raises(Refused, match="each key appears once"):
        from_file(text.replace("{<<: *cpu}", "{<<: *cpu, nodesMax: 1, nodesMax: 2}"))


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a: &a [*a]",
        "a: b: c",
        "%YAML 9",
        "? ? ?",
        "!!python/object:os.x {}",
        "!!bool maybe",
        "!!timestamp x",
        "!!map x",
    ],
)
def test_text_that_is_no_settings_is_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(Refused) as refused:
        from_file(text)
    assert all(all(finding) for finding in refused.value.findings)


def test_aliases_that_repeat_each_other_are_refused_at_once() -> None:
    """Eight levels of nine took longer than a minute to read."""
    levels = "".join(
        f"  mlplatform:l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 9)
    )
    with pytest.raises(Refused, match="aliases"):
        from_file(f"config:\n  mlplatform:l0: &l0 [a]\n{levels}")
    with pytest.raises(Refused, match="recursive"):
        from_file("config:\n  mlplatform:teams: &teams {a: *teams}\n")
