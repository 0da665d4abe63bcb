"""Node Feature Discovery v0.19.0: features found on nodes, and rules that turn them into labels."""

from simulator.crds.schema import (
    STRING,
    STRING_MAP,
    STRINGS,
    Fragment,
    Kind,
    array,
    choice,
    mapping,
    obj,
    string,
)

_GROUP = "nfd.k8s-sigs.io"

_MATCH = obj(
    {
        "op": choice(*"In NotIn InRegexp Exists DoesNotExist Gt Ge Lt Le GtLt GeLe IsTrue IsFalse".split()),
        "type": STRING,
        "value": STRINGS,
    },
    "op",
)
_MATCH_FEATURES = Fragment(
    "matchFeatures",
    array(obj({"feature": STRING, "matchExpressions": mapping(_MATCH), "matchName": _MATCH}, "feature")),
)
_RULE = obj(
    {
        "annotations": STRING_MAP,
        "extendedResources": STRING_MAP,
        "labels": STRING_MAP,
        "labelsTemplate": STRING,
        "matchAny": array(obj({"matchFeatures": _MATCH_FEATURES}, "matchFeatures")),
        "matchFeatures": _MATCH_FEATURES,
        "name": STRING,
        "taints": array(
            obj(
                {"effect": STRING, "key": STRING, "timeAdded": string(format="date-time"), "value": STRING},
                "effect key",
            )
        ),
        "vars": STRING_MAP,
        "varsTemplate": STRING,
    },
    "name",
)
_FEATURES = obj(
    {
        "attributes": mapping(obj({"elements": STRING_MAP}, "elements")),
        "flags": mapping(obj({"elements": mapping({"type": "object"})}, "elements")),
        "instances": mapping(obj({"elements": array(obj({"attributes": STRING_MAP}, "attributes"))}, "elements")),
    }
)

KINDS = (
    Kind(
        _GROUP,
        "NodeFeature",
        "nodefeatures",
        "What a worker found on one node.",
        obj({"features": _FEATURES, "labels": STRING_MAP}),
        versions=("v1alpha1",),
        has_status=False,
    ),
    Kind(
        _GROUP,
        "NodeFeatureRule",
        "nodefeaturerules",
        "Labels, taints and resources that nodes with certain features get.",
        obj({"rules": array(_RULE)}, "rules"),
        versions=("v1alpha1",),
        short_names=("nfr",),
        cluster_scoped=True,
        has_status=False,
    ),
)
