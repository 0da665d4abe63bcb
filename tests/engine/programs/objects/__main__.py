"""A namespace with config maps, a Secret and a Deployment: enough for every kind of step, in a second or two.

Settings: `count` config maps (default 3), `value` in each of them, `space` the namespace, `invalid` adds an object the
API server refuses, `protected` and `kept` protect the Secret and keep it.
"""

import pulumi
import pulumi_kubernetes as kubernetes

ENFORCED = {"pod-security.kubernetes.io/enforce": "baseline"}
config = pulumi.Config("objects")
space = config.get("space") or "objects"
namespace = kubernetes.core.v1.Namespace("namespace", metadata={"name": space, "labels": ENFORCED})
inside = pulumi.ResourceOptions(depends_on=[namespace])

for index in range(config.get_int("count") or 3):
    kubernetes.core.v1.ConfigMap(
        f"map-{index}",
        metadata={"name": f"map-{index}", "namespace": space},
        data={"value": config.get("value") or "first"},
        opts=inside,
    )
kubernetes.core.v1.Secret(
    "secret",
    metadata={"name": "secret", "namespace": space},
    string_data={"password": config.require_secret("password") if config.get("password") else "canary-in-clear"},
    opts=pulumi.ResourceOptions(
        depends_on=[namespace],
        protect=config.get_bool("protected") or None,
        retain_on_delete=config.get_bool("kept") or None,
    ),
)
if config.get_bool("invalid"):
    kubernetes.core.v1.ConfigMap(
        "invalid", metadata={"name": "Not_A_Name", "namespace": space}, data={"value": "any"}, opts=inside
    )

pulumi.export("namespace", space)
pulumi.export("token", pulumi.Output.secret("canary-output"))
