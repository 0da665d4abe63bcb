"""The API server's part of verify-upstream: what it accepts is counted, and what it refuses is said."""

import json
from typing import Any

from tools.upstream.verify import Server, dry_run


def test_a_field_that_the_api_does_not_have_is_refused_and_nothing_is_kept(cluster: Any) -> None:
    server = Server(cluster.toolchain.path("kubectl"), cluster.kubeconfig)
    good = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "good"}, "data": {"a": "b"}}
    wrong = {**good, "metadata": {"name": "wrong"}, "datta": {}}
    other = {**good, "metadata": {"name": "good", "namespace": "kube-system"}}
    accepted, refused = dry_run(server, "default", "\n---\n".join(json.dumps(one) for one in (good, wrong, other)))
    assert accepted == 2
    assert len(refused) == 1
    assert 'unknown field "datta"' in refused[0] or ".datta" in refused[0]
    assert "good" not in cluster.kubectl("get", "configmaps", "-n", "default", "-o", "name")
