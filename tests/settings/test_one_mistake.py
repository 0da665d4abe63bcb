"""One mistake is one finding: no rule repeats what another rule has found, and none follows from it."""

from copy import deepcopy
from typing import Any

import pytest

from components.findings import Refused
from settings.reader import parse
from tests.settings.test_every_text import documents

DOCUMENTS = documents()
LONG = "x" * 300
MISTAKES: list[tuple[str, str, str | int]] = [
    ("simulated", "cluster.pools.v5e.nodesMax", -1),
    ("simulated", "teams.vision.quota.h100", -1),
    ("simulated", "teams.vision.namespace", "A B"),
    ("simulated", "teams.vision.namespace", LONG),
    ("simulated", "training.resnet.job.run", LONG),
    ("simulated", "training.resnet.job.checkpoint.path", ""),
    ("simulated", "training.resnet.job.datasets.images", ""),
    ("simulated", "training.language-model.workers.count", 0),
    ("simulated", "inference.chat.service.version", "A B"),
    ("simulated", "inference.chat.service.version", LONG),
    ("simulated", "inference.chat.service.canary.version", LONG),
    ("simulated", "inference.chat.service.minReplicas", 0),
    ("simulated", "modelServers.detector-api.server.hostname", "-"),
    ("simulated", "modelServers.detector-api.server.hostname", LONG),
    ("simulated", "workloadKinds.0", LONG),
    ("simulated", "devicePlugins.fpga.resourceName", "-"),
    ("simulated", "gateway.domains.0.domain", "-"),
    ("existing", "cluster.apiServerPorts.0", 0),
    ("existing", "mlflow.ingress.hostname", LONG),
    ("existing", "nvidia.runtimeClass", "-"),
    ("eks", "dns.route53.domain", "-"),
    ("eks", "mlflow.database.rds.storageMaxGib", 0),
    ("eks", "mlflow.database.rds.username", LONG),
    ("eks-made", "cluster.network.zones.0", "-"),
    ("gke", "cluster.zones.0", "-"),
    ("gke", "cluster.pools.l4.nodesMin", -1),
    ("gke", "cluster.pools.v5e.nodesMin", -1),
    ("gke", "cluster.controlPlane.autoProvisioning.cpuMax", -1),
    ("gke", "dns.cloudDns.domain", ""),
    ("gke", "mlflow.database.cloudSql.storageMaxGib", 0),
]
"""Document, path of the value, the mistake."""


@pytest.mark.parametrize(("document", "path", "mistake"), MISTAKES)
def test_one_mistake_is_one_finding_at_its_path(document: str, path: str, mistake: str | int) -> None:
    config = deepcopy(DOCUMENTS[document])
    *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
    place: Any = config
    for key in way:
        place = place[key]
    assert place[last] != mistake
    place[last] = mistake
    with pytest.raises(Refused) as refused:
        parse(config)
    (finding,) = refused.value.findings
    assert finding.path.replace("[", ".").replace("]", "") == path
