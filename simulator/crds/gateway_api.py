"""Gateway API v1.6.1, standard channel: gateways, HTTP routes and the grants between namespaces."""

from simulator.crds.core import LABEL_SELECTOR
from simulator.crds.schema import (
    AGE,
    PORT,
    STRING,
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

_GROUP = "gateway.networking.k8s.io"
_CATEGORIES = ("gateway-api",)
_V1_AND_BETA = ("v1", "v1beta1")

_NAME = string(minLength=1, maxLength=253)
_NAMESPACE = string(minLength=1, maxLength=63)
_HOSTNAME = string(minLength=1, maxLength=253)
_GROUP_NAME = string(maxLength=253)
_KIND_NAME = string(minLength=1, maxLength=63)
_CORE_GROUP = string(default="", maxLength=253)
_GATEWAY_GROUP = string(default=_GROUP, maxLength=253)
_DURATION = string(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")

PARENT_REFERENCES: Schema = array(
    obj(
        {
            "group": _GATEWAY_GROUP,
            "kind": string(default="Gateway", minLength=1, maxLength=63),
            "name": _NAME,
            "namespace": _NAMESPACE,
            "port": PORT,
            "sectionName": _NAME,
        },
        "name",
    ),
    "atomic",
)

_PARAMETERS = {"group": _GROUP_NAME, "kind": _KIND_NAME, "name": _NAME}
_FROM_NAMESPACES = obj(
    {"from": choice("All", "Selector", "Same", default="Same"), "selector": LABEL_SELECTOR}, default={"from": "Same"}
)
_LISTENER_TLS = obj(
    {
        "certificateRefs": array(
            obj(
                {
                    "group": _CORE_GROUP,
                    "kind": string(default="Secret", minLength=1, maxLength=63),
                    "name": _NAME,
                    "namespace": _NAMESPACE,
                },
                "name",
            ),
            "atomic",
            maxItems=64,
        ),
        "mode": choice("Terminate", "Passthrough", default="Terminate"),
        "options": mapping(string(minLength=0, maxLength=4096), maxProperties=16),
    }
)
_LISTENER = obj(
    {
        "allowedRoutes": obj(
            {
                "kinds": array(obj({"group": _GATEWAY_GROUP, "kind": _KIND_NAME}, "kind"), "atomic", maxItems=8),
                "namespaces": _FROM_NAMESPACES,
            },
            default={"namespaces": {"from": "Same"}},
        ),
        "hostname": _HOSTNAME,
        "name": _NAME,
        "port": PORT,
        "protocol": string(minLength=1, maxLength=255),
        "tls": _LISTENER_TLS,
    },
    "name port protocol",
)
_GATEWAY = obj(
    {
        "addresses": array(
            obj(
                {
                    "type": string(default="IPAddress", minLength=1, maxLength=253),
                    "value": string(maxLength=253),
                }
            ),
            "atomic",
            maxItems=16,
        ),
        "gatewayClassName": _NAME,
        "infrastructure": obj(
            {
                "annotations": mapping(string(minLength=0, maxLength=4096), maxProperties=16),
                "labels": mapping(string(minLength=0, maxLength=63), maxProperties=8),
                "parametersRef": obj(_PARAMETERS, "group kind name"),
            }
        ),
        "listeners": array(_LISTENER, "name", minItems=1, maxItems=64),
    },
    "gatewayClassName listeners",
)

_HEADERS = array(
    obj({"name": string(minLength=1, maxLength=256), "value": string(minLength=1, maxLength=4096)}, "name value"),
    "name",
    maxItems=16,
)
_HEADER_MODIFIER = obj({"add": _HEADERS, "remove": array(STRING, "set", maxItems=16), "set": _HEADERS})
_PATH_MODIFIER = obj(
    {
        "replaceFullPath": string(maxLength=1024),
        "replacePrefixMatch": string(maxLength=1024),
        "type": choice("ReplaceFullPath", "ReplacePrefixMatch"),
    },
    "type",
)
_BACKEND = {
    "group": _CORE_GROUP,
    "kind": string(default="Service", minLength=1, maxLength=63),
    "name": _NAME,
    "namespace": _NAMESPACE,
    "port": PORT,
}
_FILTERS = Fragment(
    "filters",
    array(
        obj(
            {
                "extensionRef": obj(_PARAMETERS, "group kind name"),
                "requestHeaderModifier": _HEADER_MODIFIER,
                "requestMirror": obj(
                    {
                        "backendRef": obj(_BACKEND, "name"),
                        "fraction": obj(
                            {
                                "denominator": integer(default=100, minimum=1),
                                "numerator": integer(minimum=0),
                            },
                            "numerator",
                        ),
                        "percent": integer(minimum=0, maximum=100),
                    },
                    "backendRef",
                ),
                "requestRedirect": obj(
                    {
                        "hostname": _HOSTNAME,
                        "path": _PATH_MODIFIER,
                        "port": PORT,
                        "scheme": choice("http", "https"),
                        "statusCode": integer(None, default=302, enum=[301, 302, 303, 307, 308]),
                    }
                ),
                "responseHeaderModifier": _HEADER_MODIFIER,
                "type": choice(
                    "RequestHeaderModifier",
                    "ResponseHeaderModifier",
                    "RequestMirror",
                    "RequestRedirect",
                    "URLRewrite",
                    "ExtensionRef",
                ),
                "urlRewrite": obj({"hostname": _HOSTNAME, "path": _PATH_MODIFIER}),
            },
            "type",
        ),
        "atomic",
        maxItems=16,
    ),
)
_ROOT_PATH = {"type": "PathPrefix", "value": "/"}
_VALUE_MATCH = choice("Exact", "RegularExpression", default="Exact")


def _named_match(longest_value: int) -> Schema:
    """A header or query parameter to match on."""
    return array(
        obj(
            {
                "name": string(minLength=1, maxLength=256),
                "type": _VALUE_MATCH,
                "value": string(minLength=1, maxLength=longest_value),
            },
            "name value",
        ),
        "name",
        maxItems=16,
    )


_MATCHES = array(
    obj(
        {
            "headers": _named_match(4096),
            "method": choice("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"),
            "path": obj(
                {
                    "type": choice("Exact", "PathPrefix", "RegularExpression", default="PathPrefix"),
                    "value": string(default="/", maxLength=1024),
                },
                default=_ROOT_PATH,
            ),
            "queryParams": _named_match(1024),
        }
    ),
    "atomic",
    maxItems=64,
    default=[{"path": _ROOT_PATH}],
)
_HTTP_ROUTE = obj(
    {
        "hostnames": array(_HOSTNAME, "atomic", maxItems=16),
        "parentRefs": {**PARENT_REFERENCES, "maxItems": 32},
        "rules": array(
            obj(
                {
                    "backendRefs": array(
                        obj(
                            {
                                **_BACKEND,
                                "filters": _FILTERS,
                                "weight": integer(default=1, minimum=0, maximum=1000000),
                            },
                            "name",
                        ),
                        "atomic",
                        maxItems=16,
                    ),
                    "filters": _FILTERS,
                    "matches": _MATCHES,
                    "name": _NAME,
                    "timeouts": obj({"backendRequest": _DURATION, "request": _DURATION}),
                }
            ),
            "atomic",
            minItems=1,
            maxItems=16,
            default=[{"matches": [{"path": _ROOT_PATH}]}],
        ),
    }
)

KINDS = (
    Kind(
        _GROUP,
        "GatewayClass",
        "gatewayclasses",
        "Which controller implements the gateways of a class.",
        obj(
            {
                "controllerName": _NAME,
                "description": string(maxLength=64),
                "parametersRef": obj({**_PARAMETERS, "namespace": _NAMESPACE}, "group kind name"),
            },
            "controllerName",
        ),
        versions=_V1_AND_BETA,
        short_names=("gc",),
        categories=_CATEGORIES,
        cluster_scoped=True,
        columns=(
            ("Controller", "string", ".spec.controllerName"),
            condition("Accepted", "Accepted"),
            AGE,
        ),
    ),
    Kind(
        _GROUP,
        "Gateway",
        "gateways",
        "An entry point for traffic: addresses, ports, host names, certificates.",
        _GATEWAY,
        versions=_V1_AND_BETA,
        short_names=("gtw",),
        categories=_CATEGORIES,
        columns=(
            ("Class", "string", ".spec.gatewayClassName"),
            ("Address", "string", ".status.addresses[*].value"),
            condition("Programmed", "Programmed"),
            AGE,
        ),
    ),
    Kind(
        _GROUP,
        "HTTPRoute",
        "httproutes",
        "How HTTP requests that reach a gateway find their Service.",
        _HTTP_ROUTE,
        versions=_V1_AND_BETA,
        categories=_CATEGORIES,
        columns=(("Hostnames", "string", ".spec.hostnames"), AGE),
    ),
    Kind(
        _GROUP,
        "ReferenceGrant",
        "referencegrants",
        "Permission for objects of other namespaces to refer to objects of this one.",
        obj(
            {
                "from": array(
                    obj({"group": _GROUP_NAME, "kind": _KIND_NAME, "namespace": _NAMESPACE}, "group kind namespace"),
                    "atomic",
                    minItems=1,
                    maxItems=16,
                ),
                "to": array(
                    obj({"group": _GROUP_NAME, "kind": _KIND_NAME, "name": _NAME}, "group kind"),
                    "atomic",
                    minItems=1,
                    maxItems=16,
                ),
            },
            "from to",
        ),
        versions=("v1beta1", "v1"),
        short_names=("refgrant",),
        categories=_CATEGORIES,
        has_status=False,
    ),
)
