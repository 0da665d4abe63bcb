"""Prometheus operator v0.93: what is scraped, which rules hold, and the servers that the monitoring chart declares."""

from simulator.crds.core import (
    AFFINITY,
    CLAIM_SPEC,
    CONTAINER,
    EMPTY_DIR,
    IMAGE_PULL_SECRETS,
    INIT_CONTAINERS,
    KEY_SELECTOR,
    LABEL_SELECTOR,
    POD_SECURITY,
    RESOURCES,
    TOLERATIONS,
    TOPOLOGY_SPREAD,
    VOLUME_MOUNT,
    VOLUMES,
)
from simulator.crds.schema import (
    AGE,
    ATOMIC_STRINGS,
    BOOLEAN,
    INT32,
    INT_OR_STRING,
    PORT,
    STRING,
    STRING_MAP,
    STRINGS,
    Fragment,
    Kind,
    Schema,
    array,
    choice,
    condition,
    integer,
    mapping,
    obj,
    string,
)

_GROUP = "monitoring.coreos.com"
_CATEGORIES = ("prometheus-operator",)

_DURATION = string(
    pattern="^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
)
_SHORT_DURATION = string(pattern="^(0|(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$")
_BYTE_SIZE = string(pattern=r"(^0|([0-9]*[.])?[0-9]+((K|M|G|T|E|P)i?)?B)$")
_LIMIT = integer("int64", minimum=0)
_SCHEME = choice("http", "https", "HTTP", "HTTPS")

_ACTIONS = (
    "replace keep drop hashmod labelmap labeldrop labelkeep lowercase uppercase keepequal dropequal "
    "Replace Keep Drop HashMod LabelMap LabelDrop LabelKeep Lowercase Uppercase KeepEqual DropEqual"
).split()


def relabelings(modulus: Schema) -> Fragment:
    """Prometheus' relabelling steps; upstream bounds `modulus` in its own kinds only."""
    return Fragment(
        "relabelings",
        array(
            obj(
                {
                    "action": choice(*_ACTIONS, default="replace"),
                    "modulus": modulus,
                    "regex": STRING,
                    "replacement": STRING,
                    "separator": STRING,
                    "sourceLabels": STRINGS,
                    "targetLabel": STRING,
                }
            )
        ),
    )


_RELABELINGS = relabelings(_LIMIT)
_SECRET_OR_CONFIG_MAP = obj({"configMap": KEY_SELECTOR, "secret": KEY_SELECTOR})
_TLS_VERSION = choice("TLS10", "TLS11", "TLS12", "TLS13")
_SAFE_TLS: dict[str, Schema] = {
    "ca": _SECRET_OR_CONFIG_MAP,
    "cert": _SECRET_OR_CONFIG_MAP,
    "insecureSkipVerify": BOOLEAN,
    "keySecret": KEY_SELECTOR,
    "maxVersion": _TLS_VERSION,
    "minVersion": _TLS_VERSION,
    "serverName": STRING,
}
_FILE_TLS = obj({**_SAFE_TLS, "caFile": STRING, "certFile": STRING, "keyFile": STRING})
_AUTHORIZATION = obj({"credentials": KEY_SELECTOR, "type": STRING})
_BASIC_AUTH = obj({"password": KEY_SELECTOR, "username": KEY_SELECTOR})
_NAMESPACE_SELECTOR = obj({"any": BOOLEAN, "matchNames": STRINGS})

_ENDPOINT: dict[str, Schema] = {
    "authorization": _AUTHORIZATION,
    "basicAuth": _BASIC_AUTH,
    "bearerTokenSecret": KEY_SELECTOR,
    "enableHttp2": BOOLEAN,
    "filterRunning": BOOLEAN,
    "followRedirects": BOOLEAN,
    "honorLabels": BOOLEAN,
    "honorTimestamps": BOOLEAN,
    "interval": _DURATION,
    "metricRelabelings": _RELABELINGS,
    "params": mapping(STRINGS),
    "path": STRING,
    "port": STRING,
    "proxyUrl": string(pattern="^(http|https|socks5)://.+$"),
    "relabelings": _RELABELINGS,
    "scheme": _SCHEME,
    "scrapeTimeout": _DURATION,
    "targetPort": INT_OR_STRING,
}
_LIMITS: dict[str, Schema] = {
    "keepDroppedTargets": _LIMIT,
    "labelLimit": _LIMIT,
    "labelNameLengthLimit": _LIMIT,
    "labelValueLengthLimit": _LIMIT,
    "sampleLimit": _LIMIT,
    "scrapeClass": string(minLength=1),
    "targetLimit": _LIMIT,
}
_MONITOR: dict[str, Schema] = {
    **_LIMITS,
    "attachMetadata": obj({"node": BOOLEAN}),
    "bodySizeLimit": _BYTE_SIZE,
    "jobLabel": STRING,
    "namespaceSelector": _NAMESPACE_SELECTOR,
    "podTargetLabels": STRINGS,
    "selector": LABEL_SELECTOR,
    "selectorMechanism": choice("RelabelConfig", "RoleSelector"),
}
_SERVICE_MONITOR = obj(
    {
        **_MONITOR,
        "endpoints": array(obj({**_ENDPOINT, "bearerTokenFile": STRING, "tlsConfig": _FILE_TLS})),
        "serviceDiscoveryRole": choice("Endpoints", "EndpointSlice"),
        "targetLabels": STRINGS,
    },
    "endpoints selector",
)
_POD_MONITOR = obj(
    {
        **_MONITOR,
        "podMetricsEndpoints": array(obj({**_ENDPOINT, "portNumber": PORT, "tlsConfig": obj(_SAFE_TLS)})),
    },
    "selector",
)
_PROBE = obj(
    {
        **_LIMITS,
        "authorization": _AUTHORIZATION,
        "basicAuth": _BASIC_AUTH,
        "bearerTokenSecret": KEY_SELECTOR,
        "interval": _DURATION,
        "jobName": STRING,
        "metricRelabelings": _RELABELINGS,
        "module": STRING,
        "prober": obj(
            {
                "path": string(default="/probe"),
                "proxyUrl": string(pattern="^(http|https|socks5)://.+$"),
                "scheme": _SCHEME,
                "url": string(minLength=1),
            },
            "url",
        ),
        "scrapeTimeout": _DURATION,
        "targets": obj(
            {
                "ingress": obj(
                    {
                        "namespaceSelector": _NAMESPACE_SELECTOR,
                        "relabelingConfigs": _RELABELINGS,
                        "selector": LABEL_SELECTOR,
                    }
                ),
                "staticConfig": obj({"labels": STRING_MAP, "relabelingConfigs": _RELABELINGS, "static": STRINGS}),
            }
        ),
        "tlsConfig": obj(_SAFE_TLS),
    }
)
_RULE = obj(
    {
        "alert": STRING,
        "annotations": STRING_MAP,
        "expr": INT_OR_STRING,
        "for": _DURATION,
        "keep_firing_for": {**_DURATION, "minLength": 1},
        "labels": STRING_MAP,
        "record": STRING,
    },
    "expr",
)
_RULES = obj(
    {
        "groups": array(
            obj(
                {
                    "interval": _DURATION,
                    "labels": STRING_MAP,
                    "limit": integer(None),
                    "name": string(minLength=1),
                    "query_offset": _DURATION,
                    "rules": array(_RULE),
                },
                "name",
            ),
            "name",
        )
    }
)

_POD_METADATA = obj({"annotations": STRING_MAP, "labels": STRING_MAP, "name": STRING})
_STORAGE = obj(
    {
        "disableMountSubPath": BOOLEAN,
        "emptyDir": EMPTY_DIR,
        "volumeClaimTemplate": obj(
            {"apiVersion": STRING, "kind": STRING, "metadata": _POD_METADATA, "spec": CLAIM_SPEC}
        ),
    }
)
_SERVER: dict[str, Schema] = {
    "affinity": AFFINITY,
    "automountServiceAccountToken": BOOLEAN,
    "configMaps": STRINGS,
    "containers": array(CONTAINER),
    "enableServiceLinks": BOOLEAN,
    "externalUrl": STRING,
    "image": STRING,
    "imagePullPolicy": choice("", "Always", "Never", "IfNotPresent"),
    "imagePullSecrets": IMAGE_PULL_SECRETS,
    "initContainers": INIT_CONTAINERS,
    "listenLocal": BOOLEAN,
    "logFormat": choice("", "logfmt", "json"),
    "logLevel": choice("", "debug", "info", "warn", "error"),
    "minReadySeconds": integer(minimum=0),
    "nodeSelector": STRING_MAP,
    "paused": BOOLEAN,
    "persistentVolumeClaimRetentionPolicy": obj({"whenDeleted": STRING, "whenScaled": STRING}),
    "podManagementPolicy": choice("OrderedReady", "Parallel"),
    "podMetadata": _POD_METADATA,
    "portName": string(default="web"),
    "priorityClassName": STRING,
    "replicas": INT32,
    "resources": RESOURCES,
    "routePrefix": STRING,
    "schedulerName": string(minLength=1),
    "securityContext": POD_SECURITY,
    "serviceAccountName": STRING,
    "serviceName": string(minLength=1),
    "storage": _STORAGE,
    "terminationGracePeriodSeconds": integer("int64", minimum=0),
    "tolerations": TOLERATIONS,
    "version": STRING,
    "volumeMounts": array(VOLUME_MOUNT),
    "volumes": VOLUMES,
}
_PROMETHEUS = obj(
    {
        **_SERVER,
        "additionalScrapeConfigs": KEY_SELECTOR,
        "alerting": obj(
            {
                "alertmanagers": array(
                    obj(
                        {
                            "apiVersion": choice("v1", "V1", "v2", "V2"),
                            "name": string(minLength=1),
                            "namespace": string(minLength=1),
                            "pathPrefix": string(minLength=1),
                            "port": INT_OR_STRING,
                            "scheme": _SCHEME,
                            "timeout": _DURATION,
                        },
                        "name port",
                    )
                )
            },
            "alertmanagers",
        ),
        "enableAdminAPI": BOOLEAN,
        "enableFeatures": array(string(minLength=1), "set"),
        "enableOTLPReceiver": BOOLEAN,
        "enableRemoteWriteReceiver": BOOLEAN,
        "enforcedNamespaceLabel": STRING,
        "enforcedSampleLimit": _LIMIT,
        "evaluationInterval": {**_DURATION, "default": "30s"},
        "externalLabels": STRING_MAP,
        "hostNetwork": BOOLEAN,
        "podMonitorNamespaceSelector": LABEL_SELECTOR,
        "podMonitorSelector": LABEL_SELECTOR,
        "probeNamespaceSelector": LABEL_SELECTOR,
        "probeSelector": LABEL_SELECTOR,
        "retention": _DURATION,
        "retentionSize": _BYTE_SIZE,
        "ruleNamespaceSelector": LABEL_SELECTOR,
        "ruleSelector": LABEL_SELECTOR,
        "scrapeConfigNamespaceSelector": LABEL_SELECTOR,
        "scrapeConfigSelector": LABEL_SELECTOR,
        "scrapeInterval": {**_DURATION, "default": "30s"},
        "scrapeTimeout": _DURATION,
        "secrets": array(STRING, "set"),
        "serviceMonitorNamespaceSelector": LABEL_SELECTOR,
        "serviceMonitorSelector": LABEL_SELECTOR,
        "shards": integer(default=1),
        "topologySpreadConstraints": array(
            obj(
                {**TOPOLOGY_SPREAD["properties"], "additionalLabelSelectors": choice("OnResource", "OnShard")},
                "maxSkew topologyKey whenUnsatisfiable",
            )
        ),
        "tsdb": obj({"outOfOrderTimeWindow": _DURATION}),
        "walCompression": BOOLEAN,
        "web": obj({"maxConnections": integer(minimum=0), "pageTitle": STRING}),
    }
)
_ALERTMANAGER = obj(
    {
        **_SERVER,
        "alertmanagerConfigMatcherStrategy": obj(
            {"type": choice("OnNamespace", "OnNamespaceExceptForAlertmanagerNamespace", "None", default="OnNamespace")}
        ),
        "alertmanagerConfigNamespaceSelector": LABEL_SELECTOR,
        "alertmanagerConfigSelector": LABEL_SELECTOR,
        "alertmanagerConfiguration": obj({"name": string(minLength=1)}),
        "clusterAdvertiseAddress": STRING,
        "configSecret": STRING,
        "forceEnableClusterMode": BOOLEAN,
        "retention": {**_SHORT_DURATION, "default": "120h"},
        "secrets": STRINGS,
        "topologySpreadConstraints": array(TOPOLOGY_SPREAD),
        "web": obj({"getConcurrency": integer(minimum=0), "timeout": integer(minimum=0)}),
    }
)

_MATCHERS = array(
    obj(
        {"matchType": choice("!=", "=", "=~", "!~"), "name": string(minLength=1), "regex": BOOLEAN, "value": STRING},
        "name",
    ),
    "atomic",
)
_ALERT_DURATION = {**_DURATION, "minLength": 1}
_HTTP_CONFIG = obj(
    {
        "authorization": _AUTHORIZATION,
        "basicAuth": _BASIC_AUTH,
        "bearerTokenSecret": KEY_SELECTOR,
        "followRedirects": BOOLEAN,
        "tlsConfig": obj(_SAFE_TLS),
    }
)
_RECEIVER = obj(
    {
        "emailConfigs": array(
            obj(
                {
                    "authPassword": KEY_SELECTOR,
                    "authUsername": STRING,
                    "from": string(minLength=1),
                    "headers": array(obj({"key": string(minLength=1), "value": STRING}, "key value"), "atomic"),
                    "html": STRING,
                    "requireTLS": BOOLEAN,
                    "sendResolved": BOOLEAN,
                    "smarthost": STRING,
                    "text": STRING,
                    "to": STRING,
                }
            ),
            "atomic",
        ),
        "name": string(minLength=1),
        "pagerdutyConfigs": array(
            obj(
                {
                    "description": STRING,
                    "routingKey": KEY_SELECTOR,
                    "sendResolved": BOOLEAN,
                    "serviceKey": KEY_SELECTOR,
                    "severity": STRING,
                }
            ),
            "atomic",
        ),
        "slackConfigs": array(
            obj(
                {
                    "apiURL": KEY_SELECTOR,
                    "channel": string(minLength=1),
                    "sendResolved": BOOLEAN,
                    "text": STRING,
                    "title": STRING,
                    "username": STRING,
                }
            ),
            "atomic",
        ),
        "webhookConfigs": array(
            obj(
                {
                    "httpConfig": _HTTP_CONFIG,
                    "maxAlerts": integer(minimum=0),
                    "sendResolved": BOOLEAN,
                    "url": STRING,
                    "urlSecret": KEY_SELECTOR,
                }
            ),
            "atomic",
        ),
    },
    "name",
)
_ALERTMANAGER_CONFIG = obj(
    {
        "inhibitRules": array(
            obj({"equal": ATOMIC_STRINGS, "sourceMatch": _MATCHERS, "targetMatch": _MATCHERS}), "atomic"
        ),
        "receivers": array(_RECEIVER, "name"),
        "route": obj(
            {
                "continue": BOOLEAN,
                "groupBy": array(STRING, "set"),
                "groupInterval": _ALERT_DURATION,
                "groupWait": _ALERT_DURATION,
                "matchers": _MATCHERS,
                "receiver": STRING,
                "repeatInterval": _ALERT_DURATION,
                "routes": array({"x-kubernetes-preserve-unknown-fields": True}, "atomic"),
            }
        ),
    }
)

_SERVER_COLUMNS = (
    ("Version", "string", ".spec.version"),
    ("Replicas", "integer", ".spec.replicas"),
    ("Ready", "integer", ".status.availableReplicas"),
    condition("Reconciled", "Reconciled"),
    condition("Available", "Available"),
    AGE,
)


def _kind(kind: str, plural: str, short_name: str, description: str, spec: Schema, version: str = "v1") -> Kind:
    return Kind(
        _GROUP, kind, plural, description, spec, versions=(version,), short_names=(short_name,), categories=_CATEGORIES
    )


def _server(kind: str, plural: str, short_name: str, description: str, spec: Schema, replicas: str) -> Kind:
    """A kind that runs pods and scales: `replicas` is the field, of spec and status, that counts them."""
    return Kind(
        _GROUP,
        kind,
        plural,
        description,
        spec,
        short_names=(short_name,),
        categories=_CATEGORIES,
        columns=_SERVER_COLUMNS,
        scale={
            "labelSelectorPath": ".status.selector",
            "specReplicasPath": f".spec.{replicas}",
            "statusReplicasPath": f".status.{replicas}",
        },
    )


KINDS = (
    _kind("ServiceMonitor", "servicemonitors", "smon", "Scrapes the endpoints of Services.", _SERVICE_MONITOR),
    _kind("PodMonitor", "podmonitors", "pmon", "Scrapes pods without a Service.", _POD_MONITOR),
    _kind("Probe", "probes", "prb", "Probes targets from outside, through a prober.", _PROBE),
    _kind("PrometheusRule", "prometheusrules", "promrule", "Recording and alerting rules.", _RULES),
    _server("Prometheus", "prometheuses", "prom", "A Prometheus server.", _PROMETHEUS, "shards"),
    _server("Alertmanager", "alertmanagers", "am", "An Alertmanager cluster.", _ALERTMANAGER, "replicas"),
    _kind(
        "AlertmanagerConfig",
        "alertmanagerconfigs",
        "amcfg",
        "Routes and receivers of one namespace's alerts.",
        _ALERTMANAGER_CONFIG,
        "v1alpha1",
    ),
)
