"""Clusters and nodes of a simulated cloud: an EKS or GKE cluster is a control plane on this computer."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from simulator import files
from simulator.clouds import nodes, trust
from simulator.clouds.account import Account
from simulator.clouds.errors import CloudRefusal
from simulator.clouds.store import Content, Record, named
from simulator.clouds.values import at
from simulator.cluster import Cluster
from simulator.crds import text_of_set
from simulator.errors import SimulatorError
from simulator.launcher import call_kubectl

EKS_CLUSTER = "aws:eks/cluster:Cluster"
EKS_GROUP = "aws:eks/nodeGroup:NodeGroup"
GKE_CLUSTER = "gcp:container/cluster:Cluster"
GKE_POOL = "gcp:container/nodePool:NodePool"
GKE_CRDS = ("gke-compute-class", "gke-provisioning-request")
"""Sets of stand-ins for the definitions that every GKE cluster brings with it."""
TOOLS_FILE = "tools.json"
"""In the cloud's directory: program -> where it stands. What a provider's process knows of the toolchain."""


class Programs:
    """A toolchain written down."""

    def __init__(self, directory: Path) -> None:
        try:
            self._paths: Mapping[str, str] = json.loads((directory / TOOLS_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SimulatorError(
                f"{directory} does not say where the programs of a cluster are. Use the environment that "
                "simulator.clouds.SimulatedCloud gives."
            ) from None

    def path(self, name: str) -> Path:
        """Where a program stands."""
        return Path(self._paths[name])


def embedded(directory: Path, cloud: str, name: str) -> Cluster:
    """The control plane that plays a cloud's cluster of that name."""
    short = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:26].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return Cluster(f"{cloud}-{short}-{digest}", home=directory)


def endpoint(cluster: Cluster) -> tuple[str, str]:
    """URL of the API server, and its certificate authority in base64."""
    config = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    authority = config.get("certificate-authority-data")
    if not authority:
        authority = base64.b64encode(Path(config["certificate-authority"]).read_bytes()).decode()
    return config["server"], authority


class Clusters:
    """The effects of clusters and node groups."""

    def __init__(self, directory: Path, account: Account) -> None:
        self._directory = directory
        self._account = account

    def made(self, record: Record, content: Content) -> dict[str, Any]:
        """Starts a cluster, or gives a group its nodes. Returns the outputs that come of it."""
        if record["type"] in (EKS_CLUSTER, GKE_CLUSTER):
            return self._start(record)
        if record["type"] in (EKS_GROUP, GKE_POOL):
            self._settle(record, content)
        return {}

    def ending(self, record: Record, content: Content) -> None:
        """Removes a cluster, or the nodes of a group."""
        if record["type"] in (EKS_CLUSTER, GKE_CLUSTER):
            self._of(record).delete()
            trust.write(self._directory)
        elif record["type"] in (EKS_GROUP, GKE_POOL):
            cluster, name = self._home(record)
            if cluster.kubeconfig.exists():
                self._kubectl(cluster, "delete", "nodes", f"--selector={nodes.GROUP_LABEL}={name[:63]}", "--wait=true")

    def _start(self, record: Record) -> dict[str, Any]:
        cluster = self._of(record)
        try:
            cluster.start(Programs(self._directory))
            trust.write(self._directory)
            if record["type"] == GKE_CLUSTER:
                text = "---\n".join(text_of_set(name) for name in GKE_CRDS)
                self._kubectl(cluster, "apply", "--server-side", "-f", "-", text=text)
                self._default_pool(cluster, record)
        except SimulatorError as error:
            raise CloudRefusal("InternalError", str(error)) from None
        server, authority = endpoint(cluster)
        host = server.removeprefix("https://")
        if record["type"] == EKS_CLUSTER:
            return {"endpoint": server, "certificateAuthority.data": authority}
        return {
            "endpoint": host,
            "masterAuth.clusterCaCertificate": authority,
            "privateClusterConfig.privateEndpoint": host,
            "privateClusterConfig.publicEndpoint": host,
            "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint": host,
        }

    def _default_pool(self, cluster: Cluster, record: Record) -> None:
        """A GKE cluster comes with a pool, unless it is removed at once."""
        inputs = record["inputs"]
        if inputs.get("removeDefaultNodePool") or inputs.get("enableAutopilot"):
            return
        pool = {"nodeConfig": inputs.get("nodeConfig") or {}, "initialNodeCount": inputs.get("initialNodeCount") or 0}
        self._apply(cluster, nodes.gke_nodes(pool, "default-pool", self._gke_zones(record, {})))

    def _settle(self, record: Record, content: Content) -> None:
        cluster, name = self._home(record)
        wanted = self._wanted(record, name, content)
        self._apply(cluster, wanted)
        known = {node["metadata"]["name"] for node in wanted}
        selector = f"--selector={nodes.GROUP_LABEL}={name[:63]}"
        there = self._kubectl(cluster, "get", "nodes", selector, "--output=name").split()
        surplus = [each for each in there if each.partition("/")[2] not in known]
        if surplus:
            self._kubectl(cluster, "delete", *surplus, "--wait=true")

    def _wanted(self, record: Record, name: str, content: Content) -> list[dict[str, Any]]:
        inputs = record["inputs"]
        if record["type"] == EKS_GROUP:
            template = at(inputs, "launchTemplate.id") or at(inputs, "launchTemplate.name")
            found = named(content, "aws:ec2/launchTemplate:LaunchTemplate", template) if template else None
            subnets = [named(content, "aws:ec2/subnet:Subnet", subnet) for subnet in inputs.get("subnetIds") or ()]
            zones = sorted({subnet["outputs"]["availabilityZone"] for subnet in subnets if subnet})
            return nodes.eks_nodes(inputs, name, found["inputs"] if found else None, zones)
        cluster = named(content, GKE_CLUSTER, inputs["cluster"])
        return nodes.gke_nodes(inputs, name, self._gke_zones(cluster, inputs))

    def _gke_zones(self, cluster: Record | None, pool: Mapping[str, Any]) -> list[str]:
        given = pool.get("nodeLocations") or (at(cluster, "inputs.nodeLocations") if cluster else None)
        location = str(at(cluster, "outputs.location") or self._account.region)
        zonal = re.fullmatch(r".*-[a-z]", location) is not None
        return list(given or ([location] if zonal else [f"{location}-{letter}" for letter in "abc"]))

    def _of(self, record: Record) -> Cluster:
        return embedded(self._directory, self._account.cloud, record["outputs"]["name"])

    def _home(self, record: Record) -> tuple[Cluster, str]:
        """The cluster of a group, and the group's name."""
        if record["type"] == EKS_GROUP:
            cluster, name = record["inputs"]["clusterName"], record["outputs"]["nodeGroupName"]
        else:
            cluster, name = record["inputs"]["cluster"].rpartition("/")[2], record["outputs"]["name"]
        return embedded(self._directory, self._account.cloud, cluster), name

    def _apply(self, cluster: Cluster, objects: list[dict[str, Any]]) -> None:
        if objects:
            text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
            self._kubectl(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", text=text)

    def _kubectl(self, cluster: Cluster, *arguments: str, text: str = "") -> str:
        try:
            program = Programs(self._directory).path("kubectl")
            return call_kubectl(program, cluster.kubeconfig, *arguments, text=text)
        except SimulatorError as error:
            raise CloudRefusal("InternalError", str(error)) from None


def write_tools(directory: Path, paths: Mapping[str, str]) -> None:
    """Notes where the programs are, for the processes of the providers."""
    files.write_private(directory / TOOLS_FILE, json.dumps(dict(paths), indent=1, sort_keys=True))
