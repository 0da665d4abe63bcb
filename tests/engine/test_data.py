"""Storage, object store, database and tracking server on the real engine and API server; nodes and pods simulated.

Not proved here: that SeaweedFS, CloudNativePG and MLflow run in these pods (tests/engine/test_real_data.py has MLflow).
"""

import base64
import json
from pathlib import Path
from typing import Any


def one(cluster, *what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster.kubectl("get", *what, "-o", "json"))
    return found


def keys_of(cluster, name: str, namespace: str) -> tuple[str, str]:
    data = one(cluster, "secret", name, "-n", namespace)["data"]
    return tuple(base64.b64decode(data[key]).decode() for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))  # type: ignore[return-value]


def stamp(cluster, name: str, namespace: str) -> str:
    template = one(cluster, "deployment", name, "-n", namespace)["spec"]["template"]
    return str(template["metadata"]["annotations"]["mlplatform.dev/credentials"])


def written(engine) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in Path(engine.state).rglob("*") if path.is_file())


def test_the_data_layer_settles_and_keeps_its_generated_keys_until_they_are_rotated_or_lost(workspace, cluster):
    before = cluster.census()
    engine = workspace("data", config={})
    up = engine.up()
    assert up.failures == ()

    first = keys_of(cluster, "store-keys-1", "object-store")
    assert keys_of(cluster, "store-keys-1", "mlflow") == first, "clients have the server's keys"
    stamps = stamp(cluster, "store", "object-store"), stamp(cluster, "mlflow", "mlflow")
    assert len(set(stamps)) == 1

    assert engine.refresh().changes == {}
    after_refresh = engine.up()
    assert (after_refresh.failures, after_refresh.changes) == ((), {})
    assert keys_of(cluster, "store-keys-1", "object-store") == first

    text = written(engine)
    for secret in first:
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text

    (engine.project / "Pulumi.test.yaml").write_text("config:\n  data:generation: '2'\n", encoding="utf-8")
    turned = engine.up()
    assert turned.failures == ()
    second = keys_of(cluster, "store-keys-2", "object-store")
    assert second != first
    assert keys_of(cluster, "store-keys-2", "mlflow") == second
    assert stamp(cluster, "store", "object-store") == stamp(cluster, "mlflow", "mlflow") != stamps[0]
    assert "store-keys-1" not in cluster.kubectl("get", "secrets", "-A", "-o", "name")

    # What a killed run leaves behind in the fast profile: objects in the cluster, nothing in the state. Keys are drawn
    # anew, and everyone who has the old ones is restarted.
    old_stamp = stamp(cluster, "mlflow", "mlflow")
    engine.remove(force=True)
    engine.create()
    assert engine.up().failures == ()
    third = keys_of(cluster, "store-keys-2", "object-store")
    assert third != second
    assert keys_of(cluster, "store-keys-2", "mlflow") == third
    assert stamp(cluster, "mlflow", "mlflow") == stamp(cluster, "store", "object-store") != old_stamp

    gone = engine.destroy()
    assert gone.failures == ()
    assert cluster.difference(before) == set()
