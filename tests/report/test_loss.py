"""What a change loses: only here a deleted database that nobody mentions, or a wrong cause, is found."""

import dataclasses

import pytest

from report.comparison import Comparison
from report.plan import Operation, Plan, Resource
from report.sections.base import Level
from report.sections.loss import _KINDS, _RESTARTS, losses
from tests.report.recorded import NO_SETTINGS, TODAY, side
from tests.report.recorded import compared as without_settings
from tests.report.scenarios import line_of, scenario, settings_text


def made(*resources: Resource) -> Comparison:
    return Comparison("prod", Plan("prod", resources), NO_SETTINGS, NO_SETTINGS, "the state", TODAY)


def resource(type_: str, operation: Operation, **fields: object) -> Resource:
    return Resource(f"urn:pulumi:prod::mlplatform::{type_}::one", operation, **fields)  # type: ignore[arg-type]


def nested(path: str, value: object) -> object:
    for step in reversed(path.split(".")):
        value = {step: value}
    return value


def test_a_removed_pool_and_a_removed_model_are_lost_and_their_settings_are_the_cause():
    comparison = scenario("prod-shrunk")
    lost = {one.title: one for one in losses(comparison).items if one.operation is Operation.DELETE}
    assert set(lost) == {"NodeGroup a100-mig-group", "InferenceService chat-service"}
    assert lost["NodeGroup a100-mig-group"].cause.startswith("cluster.pools.a100-mig: - ")
    assert lost["InferenceService chat-service"].cause.startswith("inference.chat: - ")


def test_a_replaced_pool_names_the_setting_with_its_line_and_that_new_nodes_come_first():
    comparison = scenario("prod-grown")
    (pool,) = [one for one in losses(comparison).items if one.title == "NodeGroup l4-group"]
    assert pool.cause == 'cluster.pools.l4.machines: ["g6.12xlarge"] → ["g6.24xlarge"]'
    assert pool.line == line_of(comparison, "g6.24xlarge") - 1
    assert pool.lasts.startswith("new nodes come first")
    (reason,) = [one for one in losses(comparison).reasons if one.resource == pool.urn]
    assert (reason.level, reason.rule, reason.file, reason.line) == (
        Level.LOOK,
        "loss/replace",
        "Pulumi.prod.yaml",
        pool.line,
    )


def test_another_class_of_the_database_interrupts_it():
    (database,) = [one for one in losses(scenario("prod-grown")).items if one.title.startswith("Instance")]
    assert database.lost == "the database of MLflow is away for minutes, for its new class"
    assert database.cause == "mlflow.database.rds.instanceClass: db.m7g.large → db.m7g.xlarge"


def test_of_several_settings_of_a_database_its_kind_is_the_cause():
    def external(sections: dict) -> None:
        sections["mlflow"]["database"] = {
            "kind": "external",
            "host": "db.example.com",
            "database": "a",
            "username": "b",
            "password": "c",
            "addressRange": "10.99.0.0/24",
        }

    before, after = side(settings_text("prod", lambda _: None)), side(settings_text("prod", external))
    urn = "urn:pulumi:prod::mlplatform::mlplatform:index:RdsDatabase"
    component = Resource(f"{urn}::database", Operation.DELETE, component=True)
    instance = Resource(f"{urn}$aws:rds/instance:Instance::a", Operation.DELETE, parent=component.urn)
    plan = Plan("prod", (component, instance))
    (lost,) = losses(Comparison("prod", plan, before, after, "the state", TODAY)).items
    assert lost.cause == "mlflow.database.kind: rds → external"


@pytest.mark.parametrize("name", ["prod-first", "prod-same", "gke-first", "onprem-first"])
def test_what_is_created_or_stays_loses_nothing(name):
    assert losses(without_settings(name)).items == ()


@pytest.mark.parametrize("type_", sorted(_KINDS))
@pytest.mark.parametrize("operation", [Operation.DELETE, Operation.REPLACE])
def test_every_kind_that_holds_something_is_a_reason_to_look(type_, operation):
    (reason,) = losses(made(resource(type_, operation))).reasons
    assert reason.level in (Level.LOOK, Level.DANGER)


def test_a_replacement_that_deletes_first_is_dangerous():
    pool = resource("aws:eks/nodeGroup:NodeGroup", Operation.REPLACE, deletes_first=True)
    assert [one.level for one in losses(made(pool)).reasons] == [Level.DANGER]


@pytest.mark.parametrize(("field", "said"), [("protected", "refuses"), ("retained", "stays where it is")])
def test_what_is_protected_or_retained_is_not_lost(field, said):
    (one,) = losses(made(resource("aws:s3/bucket:Bucket", Operation.DELETE, **{field: True}))).items
    assert said in one.kept


@pytest.mark.parametrize(("type_", "path"), sorted(_RESTARTS))
def test_every_update_that_interrupts_is_named(type_, path):
    old, new = nested(path, "before"), nested(path, "after")
    (one,) = losses(made(resource(type_, Operation.UPDATE, old=old, new=new))).items
    assert one.lost == _RESTARTS[type_, path]


def test_a_simulated_cloud_says_that_it_protects_nothing():
    real = scenario("prod-shrunk")
    assert losses(real).note == ""
    assert losses(dataclasses.replace(real, simulated=True)).note.startswith(
        "On a simulated cloud nothing is protected"
    )
    assert losses(dataclasses.replace(scenario("dev-changed"), simulated=True)).note == ""
