"""Host names of KServe's models at the gateway. Pure.

Facts of kserve/kserve: the first label is `<name>-<namespace>` (charts/kserve-resources/values.yaml, domainTemplate) of
the model and, with `-predictor` and `-transformer` behind their names, of its parts: each has an HTTPRoute
(pkg/controller/v1beta1/inferenceservice/reconcilers/ingress/httproute_reconciler.go). A canary has none.
"""

from catalog.versions import CHARTS
from components.workloads.serving.spec import InferenceSpec

VERSION_IN_ROUTE_UNTIL = (0, 20)
"""Up to this version the predictor's host name contains the model's version; from 0.21 on promotion does not change
it."""
MAX_LABEL = 63
"""Maximum length of a label of a host name (RFC 1035)."""


def published_labels(name: str, namespace: str, service: InferenceSpec, kserve: str = "") -> list[str]:
    """First labels of the host names of one model. `kserve`: its version; default: the installed one."""
    major, minor = (kserve or CHARTS["kserve-resources"].version).removeprefix("v").split(".")[:2]
    version = service.get("version", "") if (int(major), int(minor)) <= VERSION_IN_ROUTE_UNTIL else ""
    predictor = f"{name}-{version}-predictor" if version else f"{name}-predictor"
    parts = [name, predictor, *([f"{name}-transformer"] if service.get("transformer") else [])]
    return [f"{part}-{namespace}" for part in parts]


def inference_host(name: str, namespace: str, domain: str) -> str:
    """The host name of a model.

    Follows the `domainTemplate` of its chart's defaults (kserve/kserve v0.20.0,
    `kserve.controller.gateway.domainTemplate`).
    """
    return f"{name}-{namespace}.{domain}"
