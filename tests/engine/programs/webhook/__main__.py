"""MetalLB on a cluster whose webhook for its kinds runs outside of it, at the address that the settings give."""

import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.addons.crds import Crds
from components.addons.metallb import MetalLb
from components.base import webhooks
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolArgs
from components.clouds.simulated.pool import SimulatedNodePool
from simulator import stand_ins

settings = pulumi.Config()
webhooks.WAIT_SECONDS = settings.get_float("waitSeconds") or webhooks.WAIT_SECONDS
mirror = ChartSource(origin=ChartOrigin.STUB, location=str(stand_ins.folder()))
provider = kubernetes.Provider("cluster", kubeconfig=Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))

nodes = SimulatedNodePool("cpu", PoolArgs(nodes_max=1), pulumi.ResourceOptions(provider=provider))
crds = Crds("crds", {"sets": ["metallb"], "source": mirror}, pulumi.ResourceOptions(provider=provider))
webhook = kubernetes.admissionregistration.v1.ValidatingWebhookConfiguration(
    "webhook",
    metadata={"name": "late"},
    webhooks=[
        {
            "name": "late.example.com",
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 2,
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": settings.require("url"), "caBundle": settings.require("caBundle")},
            "rules": [
                {
                    "apiGroups": ["metallb.io"],
                    "apiVersions": ["v1beta1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["ipaddresspools", "l2advertisements"],
                }
            ],
        }
    ],
    opts=pulumi.ResourceOptions(provider=provider),
)
MetalLb(
    "lan",
    {"addresses": [settings.require("addresses")], "source": mirror},
    pulumi.ResourceOptions(provider=provider, depends_on=[crds, webhook, nodes]),
)
