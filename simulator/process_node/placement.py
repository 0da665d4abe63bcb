"""Which pods go to the process node, as admission policies of the embedded cluster: no component knows of it. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from simulator.process_node.settings import LABEL, LABEL_VALUE, TAINT

POLICY = "process-node"
DECLARED = "simulated.mlplatform.dev/declared-requests"
"""Annotation: what the pod's containers asked for before the policy lowered it."""
REQUESTS = {"cpu": "10m", "memory": "32Mi"}
"""What a real pod asks for instead: a whole platform fits the cores of one computer. Limits are not enforced."""
_ORDINARY = ("cpu", "memory", "ephemeral-storage", "hugepages-2Mi", "hugepages-1Gi")
"""Resources that every computer has; a pod that asks for another one asks for an accelerator."""

_CONTAINERS = "(object.spec.containers + object.spec.?initContainers.orValue([]))"
_REAL = (
    f"{_CONTAINERS}.all(c, c.image in variables.images "
    f"&& c.?resources.limits.orValue({{}}).all(name, name in variables.ordinary) "
    f"&& c.?resources.requests.orValue({{}}).all(name, name in variables.ordinary))"
)
_PRIVILEGED = "c.?securityContext.privileged.orValue(false)"
_HOST = (
    "object.spec.?hostNetwork.orValue(false) || object.spec.?hostPID.orValue(false) "
    "|| object.spec.?hostIPC.orValue(false) "
    "|| object.spec.?volumes.orValue([]).exists(v, has(v.hostPath)) "
    f"|| {_CONTAINERS}.exists(c, {_PRIVILEGED}) "
    f"|| object.spec.?ephemeralContainers.orValue([]).exists(c, {_PRIVILEGED})"
)
"""The pod wants something of the computer it runs on."""
_OTHERS_VOLUME = (
    "object.spec.?volumes.orValue([])"
    ".exists(v, has(v.hostPath) && v.hostPath.path.matches('^[/.]*(run[/.]+)?simulated(/|$)'))"
)
"""The pod names the folder of a claim, which the runtime cannot tell from its own: both come as the same path."""
_TOLERATES = f"object.spec.?tolerations.orValue([]).exists(t, t.?key.orValue('') == '{TAINT}')"


def _lowered(kind: str) -> str:
    """Patches that lower the requests of each container of a kind; CEL has no index in `map`."""
    requests = json.dumps(REQUESTS)
    return (
        f"(has(object.spec.{kind}) ? [0,1,2,3,4,5,6,7].filter(i, i < size(object.spec.{kind})) : []).map(i, "
        f"has(object.spec.{kind}[i].resources) "
        f'? JSONPatch{{op: "add", path: "/spec/{kind}/" + string(i) + "/resources/requests", value: {requests}}} '
        f': JSONPatch{{op: "add", path: "/spec/{kind}/" + string(i) + "/resources", '
        f"value: Object.spec.{kind}.resources{{requests: {requests}}}}})"
    )


def _declared() -> str:
    """What the containers asked for, as text."""
    asked = 'c.?resources.requests[?"{0}"].orValue("none")'
    parts = " + ".join(f'" {name} " + string({asked.format(name)})' for name in ("cpu", "memory"))
    return f'{_CONTAINERS}.map(c, c.name + ":" + {parts}).join("; ")'


def _patches() -> str:
    escaped = DECLARED.replace("/", "~1")
    tolerations = f'Object.spec.tolerations{{key: "{TAINT}", operator: "Exists"}}'
    return (
        "["
        f'JSONPatch{{op: "add", path: "/spec/nodeSelector", value: {{"{LABEL}": "{LABEL_VALUE}"}}}}, '
        # Not ApplyConfiguration: nodeSelector and tolerations are atomic there.
        "has(object.spec.tolerations) "
        f'? JSONPatch{{op: "add", path: "/spec/tolerations/-", value: {tolerations}}} '
        f': JSONPatch{{op: "add", path: "/spec/tolerations", value: [{tolerations}]}}, '
        "has(object.metadata.annotations) "
        f'? JSONPatch{{op: "add", path: "/metadata/annotations/{escaped}", value: variables.declared}} '
        f': JSONPatch{{op: "add", path: "/metadata/annotations", value: {{"{DECLARED}": variables.declared}}}}'
        "] + (has(object.spec.affinity) && has(object.spec.affinity.nodeAffinity) "
        '? [JSONPatch{op: "remove", path: "/spec/affinity/nodeAffinity"}] : []) '
        f"+ {_lowered('containers')} + {_lowered('initContainers')}"
    )


def _matched(operations: Sequence[str], *resources: str) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": list(operations), "resources": list(resources)}
    return {"resourceRules": [rule]}


def policies(images: Sequence[str]) -> list[dict[str, Any]]:
    """Two policies and their bindings.

    A pod whose every image is in `images` (exact references), which asks for no accelerator and for nothing of the
    computer, goes to the process node; its requests are lowered. A pod that is sent there by its own tolerations but
    asks for something of the computer is refused, and so is one on any node that names the folder of a claim.
    """
    variables = [
        {"name": "images", "expression": json.dumps(sorted(images))},
        {"name": "ordinary", "expression": json.dumps(_ORDINARY)},
        {"name": "declared", "expression": _declared()},
    ]
    unplaced = "!has(object.spec.nodeName) || object.spec.nodeName == ''"
    place = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": _matched(["CREATE"], "pods"),
        "variables": variables,
        "matchConditions": [
            {"name": "unplaced", "expression": unplaced},
            {"name": "alone", "expression": f"!({_HOST})"},
        ],
        "mutations": [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": f"({_REAL}) ? {_patches()} : []"}},
        ],
    }
    refuse = {
        "failurePolicy": "Fail",
        "matchConstraints": _matched(["CREATE", "UPDATE"], "pods", "pods/ephemeralcontainers"),
        "validations": [
            {
                "expression": f"!({_TOLERATES} && ({_HOST}))",
                "message": "hostPath, hostNetwork, hostPID, hostIPC and privileged do not run on the process node: "
                "containers there are processes of this computer",
            },
            {
                "expression": f"!{_OTHERS_VOLUME}",
                "message": "hostPath below /simulated is the folder of a claim: name the claim instead",
            },
        ],
    }
    return [
        _object("MutatingAdmissionPolicy", place),
        _object("MutatingAdmissionPolicyBinding", {"policyName": POLICY}),
        _object("ValidatingAdmissionPolicy", refuse),
        _object("ValidatingAdmissionPolicyBinding", {"policyName": POLICY, "validationActions": ["Deny"]}),
    ]


def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": POLICY},
        "spec": spec,
    }
