"""Writes the reference pages from the code: components, accelerators, versions, policies, settings.

Part of `make docs`. The pages are built, not committed; the schema of the settings is, since editors read it.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import click
from component_examples import example
from machine_tables import machines_page
from pulumi.provider.experimental.analyzer import PropertyDefinition
from pulumi_policy import ResourceValidationPolicy
from settings_page import settings_page
from tables import table

import components
from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind, topology_hosts
from catalog.machines import machines_with
from catalog.versions import API_VERSIONS, CHARTS, CRDS, IMAGES
from components.base.component import Component
from components.base.flows import CONDITIONS, FLOWS, GROUPS
from components.base.schema import Analyzer
from policies.operator_pods import OPERATOR_PODS
from policies.pack import RULES, policies
from policies.pod_sources import POD_SOURCES
from policies.pod_templates import MORE_SPECS
from policies.rule import Rule, Severity
from report.render.json import schema_text
from settings.schema import stack_file_schema

REFERENCE = Path(__file__).parent / "reference"
REPORT = Path(__file__).parent / "report.schema.json"
SCHEMA = Path(__file__).parent / "settings.schema.json"
"""Named in the first line of each Pulumi.<stack>.yaml; editors complete and validate with it."""
TOPOLOGIES = (
    "Hosts of one slice, by topology. `2; 1 of 8 chips`: usually two hosts, or one machine of eight chips "
    "(simulated and existing: `devicesPerNode: 8`; GKE: the machine)."
)
NOTE = "<!-- Written by docs/generate.py from the code; edit the docstrings instead. -->\n"


def main() -> None:
    """Write the pages that are missing or out of date and the schema, and remove other pages."""
    wanted = {name: NOTE + text for name, text in pages()}
    REFERENCE.mkdir(exist_ok=True)
    for path in REFERENCE.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        write(REFERENCE / name, text)
    write(SCHEMA, json.dumps(stack_file_schema(), indent=2) + "\n")
    write(REPORT, schema_text())
    click.echo(f"{len(wanted)} pages in docs/reference")


def write(path: Path, text: str) -> None:
    """Write the file if it differs."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def pages() -> Iterator[tuple[str, str]]:
    """File name and text of every page."""
    classes = component_classes()
    for component in classes:
        yield f"{component.__name__}.md", component_page(component)
    yield "components.md", index_page(classes)
    yield "accelerators.md", accelerators_page()
    yield "machines.md", machines_page()
    yield "versions.md", versions_page()
    yield "policies.md", policies_page()
    yield "flows.md", flows_page()
    yield "settings.md", settings_page()


def component_classes() -> list[type[Component]]:
    """Every component, by name."""
    for module in pkgutil.walk_packages(components.__path__, "components."):
        importlib.import_module(module.name)
    found: list[type[Component]] = []
    waiting: list[type[Component]] = [Component]
    while waiting:
        children = waiting.pop().__subclasses__()
        found += children
        waiting += children
    return sorted(found, key=lambda component: component.__name__)


def component_page(component: type[Component]) -> str:
    """One component: description, inputs, outputs."""
    analyzer = Analyzer("mlplatform")
    definition = analyzer.analyze_component(component)
    lines = [
        f"# {component.__name__}",
        inspect.getdoc(component) or "",
        f"`from {component.__module__} import {component.__name__}` · token `mlplatform:index:{component.__name__}`",
        "## Example",
        example(component),
        "## Takes",
        fields_table(definition.inputs, definition.inputs_mapping),
    ]
    if definition.outputs:
        lines += ["## Hands out", fields_table(definition.outputs, definition.outputs_mapping)]
    shapes = sorted(analyzer.type_definitions.values(), key=lambda shape: shape.name)
    if shapes:
        lines.append("## Shapes")
    for shape in shapes:
        lines += [f"### {shape.name}", inspect.cleandoc(shape.description or "")]
        if shape.enum:
            lines.append(
                table(("value", "meaning"), [(f"`{e.value}`", _cell(e.description or "")) for e in shape.enum])
            )
        elif shape.properties:
            lines.append(fields_table(shape.properties, shape.properties_mapping))
    return "\n\n".join(lines) + "\n"


def fields_table(fields: dict[str, PropertyDefinition], names: dict[str, str]) -> str:
    """Fields as a table: Python name, meaning, type, whether required."""
    rows = []
    for name, field in fields.items():
        text = field.description or ""
        rows.append((f"`{names.get(name, name)}`", _cell(text), _type(field), "" if field.optional else "yes"))
    return table(("name", "meaning", "type", "required"), rows)


def _cell(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split()).replace("|", "\\|")


def _type(field: PropertyDefinition) -> str:
    if field.ref:
        return field.ref.rsplit(":", 1)[-1].rsplit("/", 1)[-1]
    if field.items:
        return f"list of {_type(field.items)}"
    if field.additional_properties:
        return f"map of {_type(field.additional_properties)}"
    return str(field.type.value) if field.type else "any"


def index_page(classes: list[type[Component]]) -> str:
    """All components with their first sentence."""
    rows = [(f"[{c.__name__}]({c.__name__}.md)", (inspect.getdoc(c) or "").split("\n")[0]) for c in classes]
    return "# Components\n\n" + table(("component", "what it is"), rows) + "\n"


def accelerators_page() -> str:
    """The accelerator catalogue."""
    rows = [
        (
            row.name,
            row.vendor,
            f"`{row.resource_name}`",
            row.memory_gib,
            "<br>".join(_largest(row.name)),
            ", ".join(f"{p.name} x{p.maximum}" for p in row.mig_profiles) or "-",
            "<br>".join(f"`{k}={v}`" for k, v in row.node_labels[ClusterKind.GKE].items()),
            f"`{row.taint_key}`",
            row.source,
        )
        for row in ACCELERATORS.values()
    ]
    header = ("name", "vendor", "resource", "GiB", "largest machines", "MIG profiles", "GKE labels", "taint", "source")
    text = ["# Accelerators", table(header, rows), "## TPU topologies", TOPOLOGIES]
    for row in ACCELERATORS.values():
        if row.is_tpu:
            slices = ", ".join(f"{topology} ({_hosts(row, topology)})" for topology in row.topologies)
            text += [f"### {row.name}", slices]
    return "\n\n".join(text) + "\n"


def _hosts(row: Accelerator, topology: str) -> str:
    """`2`, or `2; 1 of 8 chips` where other hosts than the default are available."""
    _, *others = row.topologies[topology]
    less_usual = [f"{topology_hosts(row, topology, chips)} of {chips} chips" for chips in others]
    return "; ".join([str(topology_hosts(row, topology)), *less_usual])


def _largest(accelerator: str) -> Iterator[str]:
    """`8 in p5.48xlarge`, for each cloud that offers it."""
    for kind in (ClusterKind.EKS, ClusterKind.GKE, ClusterKind.EXISTING):
        for machine in machines_with(accelerator, kind)[-1:]:
            yield f"{machine.devices} in {machine.name}"


def versions_page() -> str:
    """Charts, CRDs, images and API versions."""
    charts = [(c.name, c.version, c.app_version, c.location, c.source) for c in CHARTS.values()]
    crds = [(name, c.version, c.source) for name, c in CRDS.items()]
    images = [(name, f"`{image.reference}`", image.source) for name, image in IMAGES.items()]
    apis = [(kind, version) for kind, version in API_VERSIONS.items()]
    return (
        "\n\n".join(
            (
                "# Versions",
                "## Charts",
                table(("chart", "version", "application", "location", "source"), charts),
                "## CRDs",
                table(("set", "version", "source"), crds),
                "## Images",
                table(("name", "image", "source"), images),
                "## API versions of custom resources",
                table(("kind", "version"), apis),
            )
        )
        + "\n"
    )


def policies_page() -> str:
    """The policy pack."""
    by_name = {rule.name: rule for rule in RULES}
    of_charts = Rule("", "", Severity.MEDIUM, group="charts")
    rows = [
        (
            f"`{policy.name}`",
            by_name.get(policy.name, of_charts).group,
            policy.severity.value if policy.severity else "",
            policy.enforcement_level.value if policy.enforcement_level else "",
            "each object" if isinstance(policy, ResourceValidationPolicy) else "the stack",
            ", ".join(by_name.get(policy.name, of_charts).frameworks),
            policy.description,
        )
        for policy in sorted(policies(), key=lambda one: by_name.get(one.name, of_charts).group)
    ]
    kinds = sorted({*(kind for _, kind in POD_SOURCES), "Experiment (Katib)", *(kind for _, kind in OPERATOR_PODS)})
    return (
        "# Policies\n\n"
        + table(("policy", "group", "severity", "level", "checks", "standard", "what it demands"), rows)
        + "\n\nKinds whose pods are counted: "
        + ", ".join(kinds)
        + ". An object of any other kind that asks for accelerators is refused.\n\n"
        + "Kinds whose pods are checked against the Pod Security Standards, too: "
        + ", ".join(sorted({*(kind for _, kind in MORE_SPECS), "Workflow", "CronWorkflow", "WorkflowTemplate"}))
        + ".\n\nWhich standard applies to a pod is what its namespace enforces in the plan "
        + "(`pod-security.kubernetes.io/enforce`); in a namespace that the plan does not contain, `baseline`. A value "
        + "that is not known before `up` is no finding: the API server decides on it.\n"
    )


def flows_page() -> str:
    """The connections between pods."""
    rows = [
        (
            flow.source,
            flow.target,
            f"{', '.join(map(str, flow.ports)) or 'all'}{', UDP too' if flow.udp else ''}",
            flow.why,
            CONDITIONS.get(flow.condition, ""),
        )
        for flow in FLOWS
    ]
    groups = [
        (name, f"`{group.namespace}`", ", ".join(f"`{key}: {value}`" for key, value in group.labels.items()) or "all")
        for name, group in GROUPS.items()
    ]
    return (
        "# Flows\n\nThe connections that the policies of the platform allow, besides the scrapes that follow from the "
        "monitors. Not here: what settings add "
        "(`teams.*.egress`, `monitoring.moreScrapedPorts`, `mlflow.ingress`, an external database). What "
        "holds on which CNI: [Networking](../networking.md).\n\n"
        + table(("from", "to", "ports", "why", "where there is"), rows)
        + "\n\n## Groups of pods\n\nNamespaces as they are without settings of their own.\n\n"
        + table(("group", "namespace", "labels"), groups)
        + "\n"
    )


if __name__ == "__main__":
    main()
