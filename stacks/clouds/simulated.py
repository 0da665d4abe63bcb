"""The embedded cluster: its nodes are objects that the stack declares."""

import os
from collections.abc import Sequence
from functools import cached_property

import pulumi

from components.clouds.simulated.pool import SimulatedNodePool
from settings.clouds.simulated import SimulatedSettings
from settings.settings import Settings
from simulator.home import kubeconfig_path
from stacks.clouds.kubeconfig import read_kubeconfig
from stacks.clouds.protocol import Cloud


class EmbeddedCluster(Cloud):
    """No cloud: cluster and services are simulated."""

    def __init__(self, settings: Settings) -> None:
        assert isinstance(settings.cluster, SimulatedSettings)
        self.cluster = settings.cluster

    @cached_property
    def kubeconfig(self) -> pulumi.Output[str]:
        """The kubeconfig."""
        path = kubeconfig_path(os.environ.get("MLPLATFORM_CLUSTER") or self.cluster.name)
        return read_kubeconfig(
            path, 'start it with `make up`; for plain pulumi first: eval "$(.venv/bin/python -m tools env)"'
        )

    def declare_nodes(self, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
        return [SimulatedNodePool(name, pool, opts) for name, pool in self.cluster.pools.items()]


CLOUD = EmbeddedCluster
