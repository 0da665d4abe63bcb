"""The bundled mirror on the real API server and the real engine: its CRDs under strict validation, all its charts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from catalog.versions import CHARTS
from simulator import stand_ins
from simulator.crds import KINDS, definitions
from tests.support.definitions import established

DEFINITIONS = {crd["spec"]["names"]["kind"]: crd for name in KINDS for crd in definitions(name)}

POD: dict[str, Any] = {"containers": [{"name": "main", "image": "registry.example/main:1"}]}
GPU_POD: dict[str, Any] = {
    "containers": [
        {
            "name": "kserve-container",
            "image": "registry.example/server:1",
            "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "ports": [{"containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
            "resources": {"requests": {"cpu": "500m", "memory": 1073741824}, "limits": {"nvidia.com/gpu": 1}},
            "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
        }
    ],
    "nodeSelector": {"pool": "h100"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}],
}
ISSUER = {"name": "ca", "kind": "ClusterIssuer"}
ENDPOINT = {"port": "metrics", "path": "/metrics", "interval": "30s"}
SELECTOR = {"matchLabels": {"app": "any"}}
NODE = {
    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
    "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["reserved"]}],
    "expireAfter": "Never",
}
GOOD: dict[str, dict[str, Any]] = {
    "Alertmanager": {"replicas": 1, "resources": {"requests": {"cpu": "50m"}}},
    "AlertmanagerConfig": {"route": {"receiver": "team"}, "receivers": [{"name": "team"}]},
    "BGPAdvertisement": {"ipAddressPools": ["public"], "aggregationLength": 32},
    "BGPPeer": {"myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1"},
    "Backup": {"cluster": {"name": "db"}, "method": "volumeSnapshot"},
    "Certificate": {"secretName": "tls", "dnsNames": ["a.example.com"], "issuerRef": ISSUER},
    "CertificateRequest": {"request": "Zm9v", "issuerRef": ISSUER},
    "Challenge": {
        "authorizationURL": "https://ca.example/a",
        "dnsName": "a.example.com",
        "issuerRef": ISSUER,
        "key": "k",
        "solver": {"http01": {"ingress": {"ingressClassName": "nginx"}}},
        "token": "t",
        "type": "HTTP-01",
        "url": "https://ca.example/c",
    },
    "CiliumNetworkPolicy": {
        "endpointSelector": {"matchLabels": {"app": "webhook"}},
        "ingress": [
            {"fromEntities": ["kube-apiserver"], "toPorts": [{"ports": [{"port": "9443", "protocol": "TCP"}]}]}
        ],
    },
    "Cluster": {
        "instances": 2,
        "storage": {"size": "10Gi", "storageClass": "fast"},
        "bootstrap": {"initdb": {"database": "mlflow", "owner": "mlflow"}},
        "postgresql": {"synchronous": {"method": "any", "number": 1}},
    },
    "ClusterIssuer": {"selfSigned": {}},
    "ClusterPolicy": {
        "operator": {},
        "driver": {"enabled": True},
        "toolkit": {"enabled": True},
        "devicePlugin": {"enabled": True},
        "dcgm": {},
        "dcgmExporter": {"enabled": True},
        "daemonsets": {},
        "gfd": {"enabled": True},
        "nodeStatusExporter": {"enabled": False},
    },
    "ClusterServingRuntime": {**GPU_POD, "supportedModelFormats": [{"name": "sklearn", "version": "1"}]},
    "ClusterStorageContainer": {"container": POD["containers"][0], "supportedUriFormats": [{"prefix": "s3://"}]},
    "ComputeClass": {
        "priorities": [{"machineType": "a3-highgpu-8g", "gpu": {"type": "nvidia-h100-80gb", "count": 8}}],
        "nodePoolAutoCreation": {"enabled": True},
        "whenUnsatisfiable": "DoNotScaleUp",
    },
    "ComputeDomain": {"numNodes": 4, "channel": {"resourceClaimTemplate": {"name": "channel"}}},
    "Database": {"cluster": {"name": "db"}, "name": "app", "owner": "app"},
    "DatabaseRole": {"cluster": {"name": "db"}, "name": "reader", "login": True},
    "EC2NodeClass": {
        "role": "node",
        "amiSelectorTerms": [{"alias": "al2023@latest"}],
        "securityGroupSelectorTerms": [{"id": "sg-0123456789abcdef0"}],
        "subnetSelectorTerms": [{"id": "subnet-0123456789abcdef0"}],
    },
    "EnvoyProxy": {"provider": {"type": "Kubernetes", "kubernetes": {"envoyService": {"type": "LoadBalancer"}}}},
    "Gateway": {
        "gatewayClassName": "envoy",
        "listeners": [{"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "t"}]}}],
    },
    "GatewayClass": {"controllerName": "example.com/controller"},
    "HTTPRoute": {
        "parentRefs": [{"name": "platform"}],
        "rules": [{"backendRefs": [{"name": "web", "port": 80, "weight": 90}], "timeouts": {"request": "30s"}}],
    },
    "IPAddressPool": {"addresses": ["192.0.2.0/28"], "autoAssign": True},
    "InferenceGraph": {"nodes": {"root": {"routerType": "Sequence", "steps": [{"serviceName": "a"}]}}},
    "InferenceService": {
        "predictor": {
            "minReplicas": 1,
            "maxReplicas": 3,
            "model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://models/a"},
        },
        "transformer": GPU_POD,
    },
    "Issuer": {
        "acme": {
            "server": "https://ca.example/acme",
            "privateKeySecretRef": {"name": "account"},
            "solvers": [{"http01": {"gatewayHTTPRoute": {"parentRefs": [{"name": "platform"}]}}}],
        }
    },
    "L2Advertisement": {"ipAddressPools": ["public"]},
    "NodeClaim": NODE,
    "NodeFeature": {"features": {"flags": {"cpu": {"elements": {"AVX": {}}}}}, "labels": {"a": "b"}},
    "NodeFeatureRule": {"rules": [{"name": "gpu", "labels": {"gpu": "true"}, "matchFeatures": [{"feature": "pci"}]}]},
    "NodePool": {"template": {"spec": NODE}, "limits": {"nvidia.com/gpu": "16"}},
    "Order": {"request": "Zm9v", "issuerRef": ISSUER},
    "PodMonitor": {"selector": SELECTOR, "podMetricsEndpoints": [ENDPOINT]},
    "Pooler": {"cluster": {"name": "db"}, "pgbouncer": {"poolMode": "session"}},
    "Probe": {"prober": {"url": "prober:9115"}, "targets": {"staticConfig": {"static": ["https://a.example"]}}},
    "ProvisioningRequest": {
        "provisioningClassName": "queued-provisioning.gke.io",
        "parameters": {"maxRunDurationSeconds": "3600"},
        "podSets": [{"count": 2, "podTemplateRef": {"name": "fit-1"}}],
    },
    "Prometheus": {"retention": "15d", "retentionSize": "16GiB", "serviceMonitorSelector": {}},
    "PrometheusRule": {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)", "for": "5m"}]}]},
    "ReferenceGrant": {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "team"}],
        "to": [{"group": "", "kind": "Service"}],
    },
    "ScheduledBackup": {"cluster": {"name": "db"}, "schedule": "0 0 3 * * *", "backupOwnerReference": "self"},
    "SecurityPolicy": {
        "basicAuth": {"users": {"name": "users"}},
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "route"}],
    },
    "ServiceMonitor": {"selector": SELECTOR, "endpoints": [{**ENDPOINT, "relabelings": [{"action": "labeldrop"}]}]},
    "ServingRuntime": {**GPU_POD, "supportedModelFormats": [{"name": "onnx", "autoSelect": True}]},
    "TrainedModel": {
        "inferenceService": "a",
        "model": {"framework": "sklearn", "storageUri": "s3://a", "memory": "1Gi"},
    },
}
"""One object of each kind that upstream takes."""

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("Certificate", {**GOOD["Certificate"], "dnsName": ["a.example.com"]}, 'unknown field "spec.dnsName"'),
    ("Certificate", {"secretName": "tls"}, "spec.issuerRef: Required value"),
    (
        "Gateway",
        {**GOOD["Gateway"], "listeners": [{"name": "a", "port": 0, "protocol": "HTTP"}]},
        "spec.listeners[0].port",
    ),
    ("InferenceService", {"predictor": {"minReplica": 1}}, 'unknown field "spec.predictor.minReplica"'),
    ("InferenceService", {"predictor": {"minReplicas": "one"}}, "must be of type integer"),
    ("Cluster", {"instances": 0}, "should be greater than or equal to 1"),
    ("Cluster", {"instances": 1, "primaryUpdateStrategy": "manual"}, 'Unsupported value: "manual"'),
    ("Prometheus", {"retentionSize": "16 GB"}, "should match"),
    ("ServiceMonitor", {"selector": {}, "endpoints": [{"port": 8080}]}, "must be of type string"),
    ("EnvoyProxy", {"provider": {"type": "Kubernetes", "kubernetes": {"envoyServices": {}}}}, "envoyServices"),
    ("NodePool", {"template": {"spec": {**NODE, "expireAfter": "a month"}}}, "should match"),
    ("EC2NodeClass", {**GOOD["EC2NodeClass"], "amiFamily": "Ubuntu"}, 'Unsupported value: "Ubuntu"'),
    ("ComputeClass", {"whenUnsatisfiable": "DoNotScaleUp"}, "spec.priorities: Required value"),
    ("ProvisioningRequest", {"provisioningClassName": "a", "podSets": []}, "should have at least 1 items"),
    ("BGPPeer", {"peerASN": 64513}, "spec.myASN: Required value"),
]

REPRESENTATIVE: dict[str, dict[str, Any]] = {
    "nvidia-device-plugin": {
        "config": {"map": {"default": "version: v1\n", "shared": "version: v1\n"}, "default": "default"},
        "gfd": {"enabled": True},
        "migStrategy": "mixed",
        "failOnInitError": False,
    },
    "node-feature-discovery": {
        "prometheus": {"enable": True},
        "master": {"replicaCount": 2, "podDisruptionBudget": {"enable": True}},
        "worker": {"tolerations": [{"operator": "Exists"}], "config": {"sources": {"pci": {}}}},
    },
    "dcgm-exporter": {"kubernetes": {"enablePodLabels": True}, "service": {"annotations": {"a": "b"}}},
    "cert-manager": {
        "replicaCount": 2,
        "podDisruptionBudget": {"enabled": True},
        "config": {"gatewayAPI": {"enabled": True}},
        "prometheus": {"servicemonitor": {"enabled": True}},
    },
    "gateway-helm": {"deployment": {"replicas": 2}, "podDisruptionBudget": {"minAvailable": 1}},
    "kserve-resources": {
        "kserve": {
            "controller": {
                "deploymentMode": "Standard",
                "gateway": {"ingressGateway": {"enableGatewayApi": True, "createGateway": True, "className": "envoy"}},
            }
        }
    },
    "cloudnative-pg": {"crds": {"create": False}, "monitoring": {"podMonitorEnabled": True}},
    "kube-prometheus-stack": {
        "grafana": {"admin": {"existingSecret": "grafana-admin"}, "persistence": {"enabled": True}},
        "prometheus": {
            "prometheusSpec": {
                "retentionSize": "10GiB",
                "storageSpec": {
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
                    }
                },
            }
        },
        "additionalPrometheusRulesMap": {"ours": {"groups": []}},
    },
    "aws-efa-k8s-device-plugin": {"tolerations": [{"operator": "Exists"}]},
    "cluster-autoscaler": {
        "autoDiscovery": {"clusterName": "prod"},
        "awsRegion": "eu-west-1",
        "replicaCount": 2,
        "serviceMonitor": {"enabled": True},
    },
    "csi-driver-nfs": {"controller": {"replicas": 2}},
    "dra-driver-nvidia-gpu": {"gpuResourcesEnabledOverride": True},
    "external-dns": {
        "provider": {"name": "aws"},
        "policy": "sync",
        "txtOwnerId": "prod",
        "domainFilters": ["example.com"],
        "serviceMonitor": {"enabled": True},
    },
    "gpu-operator": {"mig": {"strategy": "mixed"}, "nfd": {"enabled": False}},
    "karpenter": {"settings": {"clusterName": "prod"}, "serviceMonitor": {"enabled": True}},
    "metallb": {"crds": {"enabled": False}, "frrk8s": {"enabled": False}},
}
"""Values that turn on most of what each chart can render."""


def document(kind: str, spec: dict[str, Any]) -> str:
    """One object of that kind, in the version that is stored."""
    crd = DEFINITIONS[kind]["spec"]
    return yaml.safe_dump(
        {
            "apiVersion": f"{crd['group']}/{crd['versions'][0]['name']}",
            "kind": kind,
            "metadata": {"name": "probe", **({} if crd["scope"] == "Cluster" else {"namespace": "default"})},
            "spec": spec,
        }
    )


@pytest.fixture(scope="module")
def installed(cluster) -> Iterator[None]:
    """All CRDs of the mirror, applied server-side under strict validation, and served."""
    files = [argument for name in KINDS for argument in ("-f", str(stand_ins.folder() / "crds" / f"{name}.yaml"))]
    try:
        cluster.kubectl("apply", "--server-side", "--validate=strict", *files)
        established(cluster.kubectl, *files)
        yield
    finally:
        cluster.kubectl("delete", "--ignore-not-found", *files)


def test_every_kind_is_served_takes_what_upstream_takes_and_refuses_the_rest(cluster, installed):
    assert sorted(GOOD) == sorted(DEFINITIONS)
    crds = json.loads(cluster.kubectl("get", "crd", "-l", "mlplatform.dev/stand-in=true", "-o", "json"))["items"]
    assert {crd["metadata"]["name"] for crd in crds} == {crd["metadata"]["name"] for crd in DEFINITIONS.values()}
    troubled = [
        crd["metadata"]["name"] for crd in crds for c in crd["status"]["conditions"] if "NonStructural" in c["type"]
    ]
    assert troubled == []

    everything = "---\n".join(document(kind, spec) for kind, spec in GOOD.items())
    strictly = ("--server-side", "--dry-run=server", "--validate=strict")
    accepted = cluster.kubectl("apply", *strictly, "-f", "-", text=everything)
    assert accepted.count("serverside-applied (server dry run)") == len(GOOD)

    for kind, spec, why in BAD:
        create = ("create", "--dry-run=server", "--validate=strict", "-f", "-")
        answer = cluster.kubectl(*create, check=False, text=document(kind, spec))
        assert why in answer, (kind, spec, answer)


def test_the_engine_renders_every_chart_and_refuses_a_misspelt_value(workspace, installed):
    assert sorted(REPRESENTATIVE) == sorted(CHARTS)
    preview = workspace("mirror", config={"mirror:values": json.dumps(REPRESENTATIVE)}).preview()
    assert preview.failures == ()
    assert preview.changes["create"] > 150

    wrong = {"cert-manager": {"replicaCounts": 2, "webhook": {"replica": 1}}}
    refused = workspace("mirror", name="wrong", config={"mirror:values": json.dumps(wrong)}).preview()
    told = " ".join(failure.message for failure in refused.failures)
    assert "replicaCounts" in told
    assert "replica" in told
