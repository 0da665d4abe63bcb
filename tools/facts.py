"""What the commands must know of a stack before the engine runs: its cluster, its state, its variables."""

import os
from collections.abc import Mapping
from pathlib import Path

from components.findings import Refused
from settings.reader import unchecked
from simulator.cluster import Cluster
from tools.backend import (
    Backend,
    choose_backend,
    cluster_name,
    prepare,
    secrets_environment,
    settings_file,
    state_directory,
)
from tools.errors import ToolError
from tools.run import StackFacts

CHECKOUT = Path(__file__).resolve().parents[1]
CLUSTER_VARIABLE = "MLPLATFORM_CLUSTER"


def read_facts(project: Path, stack: str) -> StackFacts:
    """Reads Pulumi.<stack>.yaml. Checks only the kind of the cluster; `settings.settings` validates the rest."""
    path = settings_file(project, stack)
    if not path.exists():
        known = sorted(other.name.split(".")[1] for other in project.glob("Pulumi.*.yaml"))
        raise ToolError(
            f"there is no stack {stack!r}: {path.name} is not in {project}. "
            f"Known stacks: {', '.join(known) or 'none'}. Choose one with STACK=<name> or --stack <name>."
        )
    try:
        chosen = unchecked(path.read_text(encoding="utf-8")).get("cluster")
    except Refused as refused:
        raise ToolError(f"{path.name}: {refused}") from None
    cluster = chosen if isinstance(chosen, dict) else {}
    kind, images = cluster.get("kind"), cluster.get("localImages")
    return StackFacts(
        stack,
        simulated=kind == "simulated",
        cluster_kind=kind if isinstance(kind, str) else "",
        local_images={
            str(reference): project / folder
            for reference, folder in (images.items() if isinstance(images, dict) else ())
            if isinstance(folder, str)
        },
    )


def skip_checkpoints(facts: StackFacts, backend: Backend, environ: Mapping[str, str] = os.environ) -> bool:
    """The fast profile: the state is saved once, at the end.

    Default if a lost state costs nothing: for the simulated cluster on a self-managed backend. Otherwise the state is
    saved at each step, since cloud resources with generated names could not be found again. If the engine's own
    PULUMI_SKIP_CHECKPOINTS is set, to any value, it decides.
    """
    chosen = environ.get("PULUMI_SKIP_CHECKPOINTS")
    if chosen is not None:
        return chosen.strip().lower() in {"1", "t", "true", "yes", "y"}
    return facts.simulated and backend.self_managed


def plain_environment(project: Path, stack: str) -> dict[str, str]:
    """The variables that make plain `pulumi --stack …` use the stack that `make up` created; `tools env` prints
    them."""
    state = prepare(state_directory(project))
    backend = choose_backend(project, state)
    if backend.is_file:
        prepare(backend.path)
    cluster = {}
    if read_facts(project, stack).simulated:
        simulated = Cluster(cluster_name(project, stack))
        cluster = {CLUSTER_VARIABLE: simulated.name, "KUBECONFIG": str(simulated.kubeconfig)}
    return {"PULUMI_BACKEND_URL": backend.url, **secrets_environment(project, stack, state, backend), **cluster}
