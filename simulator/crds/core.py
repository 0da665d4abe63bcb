"""Fragments of the core API that custom resources embed: pods, containers, volumes, selectors, claims.

The fields are those of Kubernetes 1.36's core/v1 that people set on the platform; what a kind adds or leaves out of
them is said where the kind is. Source: the CRDs that upstream generates from the same Go types.
"""

from simulator.crds.schema import (
    ATOMIC_STRINGS,
    BOOLEAN,
    INT32,
    INT64,
    INT_OR_STRING,
    QUANTITY,
    STRING,
    STRING_MAP,
    Fragment,
    Schema,
    array,
    atomic,
    free,
    mapping,
    obj,
    string,
)

LOCAL_NAME: Schema = string(default="")
LOCAL_REFERENCE = Fragment("localReference", atomic(obj({"name": LOCAL_NAME})))
KEY_SELECTOR = Fragment("keySelector", atomic(obj({"key": STRING, "name": LOCAL_NAME, "optional": BOOLEAN}, "key")))
NAMED = obj({"name": STRING}, "name")

_SELECTOR_TERM = obj({"key": STRING, "operator": STRING, "values": ATOMIC_STRINGS}, "key operator")
_SELECTOR_TERMS = Fragment("selectorTerms", array(_SELECTOR_TERM, "atomic"))
LABEL_SELECTOR = Fragment(
    "labelSelector", atomic(obj({"matchExpressions": _SELECTOR_TERMS, "matchLabels": STRING_MAP}))
)

_NODE_TERM = Fragment("nodeTerm", atomic(obj({"matchExpressions": _SELECTOR_TERMS, "matchFields": _SELECTOR_TERMS})))
NODE_AFFINITY = Fragment(
    "nodeAffinity",
    obj(
        {
            "preferredDuringSchedulingIgnoredDuringExecution": array(
                obj({"preference": _NODE_TERM, "weight": INT32}, "preference weight"), "atomic"
            ),
            "requiredDuringSchedulingIgnoredDuringExecution": atomic(
                obj({"nodeSelectorTerms": array(_NODE_TERM, "atomic")}, "nodeSelectorTerms")
            ),
        }
    ),
)
_POD_TERM = Fragment(
    "podAffinityTerm",
    obj(
        {
            "labelSelector": LABEL_SELECTOR,
            "matchLabelKeys": ATOMIC_STRINGS,
            "mismatchLabelKeys": ATOMIC_STRINGS,
            "namespaceSelector": LABEL_SELECTOR,
            "namespaces": ATOMIC_STRINGS,
            "topologyKey": STRING,
        },
        "topologyKey",
    ),
)
POD_AFFINITY = Fragment(
    "podAffinity",
    obj(
        {
            "preferredDuringSchedulingIgnoredDuringExecution": array(
                obj({"podAffinityTerm": _POD_TERM, "weight": INT32}, "podAffinityTerm weight"), "atomic"
            ),
            "requiredDuringSchedulingIgnoredDuringExecution": array(_POD_TERM, "atomic"),
        }
    ),
)
AFFINITY = Fragment(
    "affinity", obj({"nodeAffinity": NODE_AFFINITY, "podAffinity": POD_AFFINITY, "podAntiAffinity": POD_AFFINITY})
)
TOLERATIONS = Fragment(
    "tolerations",
    array(
        obj({"effect": STRING, "key": STRING, "operator": STRING, "tolerationSeconds": INT64, "value": STRING}),
    ),
)
TOPOLOGY_SPREAD = Fragment(
    "topologySpread",
    obj(
        {
            "labelSelector": LABEL_SELECTOR,
            "matchLabelKeys": ATOMIC_STRINGS,
            "maxSkew": INT32,
            "minDomains": INT32,
            "nodeAffinityPolicy": STRING,
            "nodeTaintsPolicy": STRING,
            "topologyKey": STRING,
            "whenUnsatisfiable": STRING,
        },
        "maxSkew topologyKey whenUnsatisfiable",
    ),
)
RESOURCES = Fragment(
    "resources",
    obj(
        {
            "claims": array(obj({"name": STRING, "request": STRING}, "name"), "name"),
            "limits": mapping(QUANTITY),
            "requests": mapping(QUANTITY),
        }
    ),
)
IMAGE_PULL_SECRETS = array(LOCAL_REFERENCE)

SECCOMP_PROFILE = obj({"localhostProfile": STRING, "type": STRING}, "type")
_SE_LINUX = obj({"level": STRING, "role": STRING, "type": STRING, "user": STRING})
CONTAINER_SECURITY = Fragment(
    "containerSecurityContext",
    obj(
        {
            "allowPrivilegeEscalation": BOOLEAN,
            "appArmorProfile": SECCOMP_PROFILE,
            "capabilities": obj({"add": ATOMIC_STRINGS, "drop": ATOMIC_STRINGS}),
            "privileged": BOOLEAN,
            "procMount": STRING,
            "readOnlyRootFilesystem": BOOLEAN,
            "runAsGroup": INT64,
            "runAsNonRoot": BOOLEAN,
            "runAsUser": INT64,
            "seLinuxOptions": _SE_LINUX,
            "seccompProfile": SECCOMP_PROFILE,
        }
    ),
)
POD_SECURITY = Fragment(
    "podSecurityContext",
    obj(
        {
            "appArmorProfile": SECCOMP_PROFILE,
            "fsGroup": INT64,
            "fsGroupChangePolicy": STRING,
            "runAsGroup": INT64,
            "runAsNonRoot": BOOLEAN,
            "runAsUser": INT64,
            "seLinuxOptions": _SE_LINUX,
            "seccompProfile": SECCOMP_PROFILE,
            "supplementalGroups": array(INT64, "atomic"),
            "supplementalGroupsPolicy": STRING,
            "sysctls": array(obj({"name": STRING, "value": STRING}, "name value"), "atomic"),
        }
    ),
)

_RESOURCE_FIELD = atomic(obj({"containerName": STRING, "divisor": QUANTITY, "resource": STRING}, "resource"))
_OBJECT_FIELD = atomic(obj({"apiVersion": STRING, "fieldPath": STRING}, "fieldPath"))
ENV_ENTRY = Fragment(
    "envEntry",
    obj(
        {
            "name": STRING,
            "value": STRING,
            "valueFrom": obj(
                {
                    "configMapKeyRef": KEY_SELECTOR,
                    "fieldRef": _OBJECT_FIELD,
                    "resourceFieldRef": _RESOURCE_FIELD,
                    "secretKeyRef": KEY_SELECTOR,
                }
            ),
        },
        "name",
    ),
)
_ENV_SOURCE = atomic(obj({"name": LOCAL_NAME, "optional": BOOLEAN}))
ENV_FROM_ENTRY = Fragment(
    "envFromEntry", obj({"configMapRef": _ENV_SOURCE, "prefix": STRING, "secretRef": _ENV_SOURCE})
)

_EXEC = obj({"command": ATOMIC_STRINGS})
_HTTP_GET = Fragment(
    "httpGet",
    obj(
        {
            "host": STRING,
            "httpHeaders": array(obj({"name": STRING, "value": STRING}, "name value"), "atomic"),
            "path": STRING,
            "port": INT_OR_STRING,
            "scheme": STRING,
        },
        "port",
    ),
)
_TCP_SOCKET = obj({"host": STRING, "port": INT_OR_STRING}, "port")
PROBE = Fragment(
    "probe",
    obj(
        {
            "exec": _EXEC,
            "failureThreshold": INT32,
            "grpc": obj({"port": INT32, "service": string(default="")}, "port"),
            "httpGet": _HTTP_GET,
            "initialDelaySeconds": INT32,
            "periodSeconds": INT32,
            "successThreshold": INT32,
            "tcpSocket": _TCP_SOCKET,
            "terminationGracePeriodSeconds": INT64,
            "timeoutSeconds": INT32,
        }
    ),
)
_LIFECYCLE_HANDLER = Fragment(
    "lifecycleHandler",
    obj(
        {
            "exec": _EXEC,
            "httpGet": _HTTP_GET,
            "sleep": obj({"seconds": INT64}, "seconds"),
            "tcpSocket": _TCP_SOCKET,
        }
    ),
)
VOLUME_MOUNT = Fragment(
    "volumeMount",
    obj(
        {
            "mountPath": STRING,
            "mountPropagation": STRING,
            "name": STRING,
            "readOnly": BOOLEAN,
            "recursiveReadOnly": STRING,
            "subPath": STRING,
            "subPathExpr": STRING,
        },
        "mountPath name",
    ),
)
CONTAINER_FIELDS: dict[str, Schema] = {
    "args": ATOMIC_STRINGS,
    "command": ATOMIC_STRINGS,
    "env": array(ENV_ENTRY, "name"),
    "envFrom": array(ENV_FROM_ENTRY, "atomic"),
    "image": STRING,
    "imagePullPolicy": STRING,
    "lifecycle": obj({"postStart": _LIFECYCLE_HANDLER, "preStop": _LIFECYCLE_HANDLER, "stopSignal": STRING}),
    "livenessProbe": PROBE,
    "name": STRING,
    "ports": Fragment(
        "ports",
        array(
            obj(
                {
                    "containerPort": INT32,
                    "hostIP": STRING,
                    "hostPort": INT32,
                    "name": STRING,
                    "protocol": string(default="TCP"),
                },
                "containerPort",
            ),
            "containerPort protocol",
        ),
    ),
    "readinessProbe": PROBE,
    "resources": RESOURCES,
    "restartPolicy": STRING,
    "securityContext": CONTAINER_SECURITY,
    "startupProbe": PROBE,
    "stdin": BOOLEAN,
    "terminationMessagePath": STRING,
    "terminationMessagePolicy": STRING,
    "tty": BOOLEAN,
    "volumeDevices": array(obj({"devicePath": STRING, "name": STRING}, "devicePath name"), "devicePath"),
    "volumeMounts": array(VOLUME_MOUNT, "mountPath"),
    "workingDir": STRING,
}
CONTAINER = Fragment("container", obj(CONTAINER_FIELDS, "name"))
# Open: no component puts one into a custom resource, and a second copy of a container's schema in each pod costs time.
INIT_CONTAINERS = array(free(properties={"name": STRING}, required=["name"]))

_KEY_TO_PATH = Fragment("keyToPath", array(obj({"key": STRING, "mode": INT32, "path": STRING}, "key path"), "atomic"))
_DOWNWARD_ITEMS = Fragment(
    "downwardItems",
    array(
        obj({"fieldRef": _OBJECT_FIELD, "mode": INT32, "path": STRING, "resourceFieldRef": _RESOURCE_FIELD}, "path"),
        "atomic",
    ),
)
_PROJECTED_OBJECT = Fragment(
    "projectedObject", atomic(obj({"items": _KEY_TO_PATH, "name": LOCAL_NAME, "optional": BOOLEAN}))
)
CLAIM_SPEC = Fragment(
    "claimSpec",
    obj(
        {
            "accessModes": ATOMIC_STRINGS,
            "dataSource": atomic(obj({"apiGroup": STRING, "kind": STRING, "name": STRING}, "kind name")),
            "resources": obj({"limits": mapping(QUANTITY), "requests": mapping(QUANTITY)}),
            "selector": LABEL_SELECTOR,
            "storageClassName": STRING,
            "volumeAttributesClassName": STRING,
            "volumeMode": STRING,
            "volumeName": STRING,
        }
    ),
)
EMPTY_DIR = obj({"medium": STRING, "sizeLimit": QUANTITY})
EPHEMERAL = obj({"volumeClaimTemplate": obj({"metadata": {"type": "object"}, "spec": CLAIM_SPEC}, "spec")})
_PROJECTED_SOURCE = obj(
    {
        "configMap": _PROJECTED_OBJECT,
        "downwardAPI": obj({"items": _DOWNWARD_ITEMS}),
        "secret": _PROJECTED_OBJECT,
        "serviceAccountToken": obj({"audience": STRING, "expirationSeconds": INT64, "path": STRING}, "path"),
    }
)
VOLUMES = Fragment(
    "volumes",
    array(
        obj(
            {
                "configMap": atomic(
                    obj({"defaultMode": INT32, "items": _KEY_TO_PATH, "name": LOCAL_NAME, "optional": BOOLEAN})
                ),
                "csi": obj(
                    {
                        "driver": STRING,
                        "fsType": STRING,
                        "nodePublishSecretRef": LOCAL_REFERENCE,
                        "readOnly": BOOLEAN,
                        "volumeAttributes": STRING_MAP,
                    },
                    "driver",
                ),
                "downwardAPI": obj({"defaultMode": INT32, "items": _DOWNWARD_ITEMS}),
                "emptyDir": EMPTY_DIR,
                "ephemeral": EPHEMERAL,
                "hostPath": obj({"path": STRING, "type": STRING}, "path"),
                "image": obj({"pullPolicy": STRING, "reference": STRING}),
                "name": STRING,
                "nfs": obj({"path": STRING, "readOnly": BOOLEAN, "server": STRING}, "path server"),
                "persistentVolumeClaim": obj({"claimName": STRING, "readOnly": BOOLEAN}, "claimName"),
                "projected": obj({"defaultMode": INT32, "sources": array(_PROJECTED_SOURCE, "atomic")}),
                "secret": obj({"defaultMode": INT32, "items": _KEY_TO_PATH, "optional": BOOLEAN, "secretName": STRING}),
            },
            "name",
        ),
    ),
)

POD_FIELDS: dict[str, Schema] = {
    "activeDeadlineSeconds": INT64,
    "affinity": AFFINITY,
    "automountServiceAccountToken": BOOLEAN,
    "containers": array(CONTAINER),
    "dnsPolicy": STRING,
    "enableServiceLinks": BOOLEAN,
    "hostAliases": array(obj({"hostnames": ATOMIC_STRINGS, "ip": STRING}, "ip")),
    "hostIPC": BOOLEAN,
    "hostNetwork": BOOLEAN,
    "hostPID": BOOLEAN,
    "hostUsers": BOOLEAN,
    "hostname": STRING,
    "imagePullSecrets": IMAGE_PULL_SECRETS,
    "initContainers": INIT_CONTAINERS,
    "nodeName": STRING,
    "nodeSelector": atomic(STRING_MAP),
    "preemptionPolicy": STRING,
    "priority": INT32,
    "priorityClassName": STRING,
    "resourceClaims": array(
        obj({"name": STRING, "resourceClaimName": STRING, "resourceClaimTemplateName": STRING}, "name"), "name"
    ),
    "resources": RESOURCES,
    "restartPolicy": STRING,
    "runtimeClassName": STRING,
    "schedulerName": STRING,
    "securityContext": POD_SECURITY,
    "serviceAccountName": STRING,
    "shareProcessNamespace": BOOLEAN,
    "subdomain": STRING,
    "terminationGracePeriodSeconds": INT64,
    "tolerations": TOLERATIONS,
    "topologySpreadConstraints": array(TOPOLOGY_SPREAD, "topologyKey whenUnsatisfiable"),
    "volumes": VOLUMES,
}

ROLLING_STRATEGY = obj(
    {
        "rollingUpdate": obj({"maxSurge": INT_OR_STRING, "maxUnavailable": INT_OR_STRING}),
        "type": STRING,
    }
)
