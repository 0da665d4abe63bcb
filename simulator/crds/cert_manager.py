"""cert-manager v1.21.2: certificates, and who signs them: self-signed, a CA, ACME (no Vault; DNS-01 in two clouds)."""

from simulator.crds.core import AFFINITY, LOCAL_REFERENCE
from simulator.crds.gateway_api import PARENT_REFERENCES
from simulator.crds.schema import (
    AGE,
    ATOMIC_STRINGS,
    BOOLEAN,
    INT32,
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

_GROUP = "cert-manager.io"
_ACME_GROUP = "acme.cert-manager.io"
_READY = condition("Ready", "Ready")
_MESSAGE = condition("Status", "Ready", "message")

_BYTES = string(format="byte")
_SECRET_KEY = obj({"key": STRING, "name": STRING}, "name")
_ISSUER_REFERENCE = obj({"group": STRING, "kind": STRING, "name": STRING}, "name")
_USAGES = Fragment(
    "usages",
    array(
        choice(
            "signing",
            "digital signature",
            "content commitment",
            "key encipherment",
            "key agreement",
            "data encipherment",
            "cert sign",
            "crl sign",
            "encipher only",
            "decipher only",
            "any",
            "server auth",
            "client auth",
            "code signing",
            "email protection",
            "s/mime",
            "ipsec end system",
            "ipsec tunnel",
            "ipsec user",
            "timestamping",
            "ocsp signing",
            "microsoft sgc",
            "netscape sgc",
        ),
        "atomic",
    ),
)
_SUBJECT = obj(
    {
        "countries": ATOMIC_STRINGS,
        "localities": ATOMIC_STRINGS,
        "organizationalUnits": ATOMIC_STRINGS,
        "organizations": ATOMIC_STRINGS,
        "postalCodes": ATOMIC_STRINGS,
        "provinces": ATOMIC_STRINGS,
        "serialNumber": STRING,
        "streetAddresses": ATOMIC_STRINGS,
    }
)
_CERTIFICATE = obj(
    {
        "additionalOutputFormats": array(obj({"type": choice("DER", "CombinedPEM")}, "type"), "atomic"),
        "commonName": STRING,
        "dnsNames": ATOMIC_STRINGS,
        "duration": STRING,
        "emailAddresses": ATOMIC_STRINGS,
        "encodeUsagesInRequest": BOOLEAN,
        "ipAddresses": ATOMIC_STRINGS,
        "isCA": BOOLEAN,
        "issuerRef": _ISSUER_REFERENCE,
        "literalSubject": STRING,
        "privateKey": obj(
            {
                "algorithm": choice("RSA", "ECDSA", "Ed25519"),
                "encoding": choice("PKCS1", "PKCS8"),
                "rotationPolicy": choice("Never", "Always"),
                "size": integer(None),
            }
        ),
        "renewBefore": STRING,
        "renewBeforePercentage": INT32,
        "revisionHistoryLimit": INT32,
        "secretName": STRING,
        "secretTemplate": obj({"annotations": STRING_MAP, "labels": STRING_MAP}),
        "subject": _SUBJECT,
        "uris": ATOMIC_STRINGS,
        "usages": _USAGES,
    },
    "issuerRef secretName",
)

_SOLVER_POD = Fragment(
    "solverPod",
    obj(
        {
            "metadata": obj({"annotations": STRING_MAP, "labels": STRING_MAP}),
            "spec": obj(
                {
                    "affinity": AFFINITY,
                    "imagePullSecrets": array(LOCAL_REFERENCE, "name"),
                    "nodeSelector": STRING_MAP,
                    "priorityClassName": STRING,
                    "serviceAccountName": STRING,
                    "tolerations": array(
                        obj(
                            {
                                "effect": STRING,
                                "key": STRING,
                                "operator": STRING,
                                "tolerationSeconds": integer("int64"),
                                "value": STRING,
                            }
                        ),
                        "atomic",
                    ),
                }
            ),
        }
    ),
)
_HTTP01 = obj(
    {
        "gatewayHTTPRoute": obj(
            {
                "labels": STRING_MAP,
                "parentRefs": PARENT_REFERENCES,
                "podTemplate": _SOLVER_POD,
                "serviceType": STRING,
            }
        ),
        "ingress": obj(
            {
                "class": STRING,
                "ingressClassName": STRING,
                "ingressTemplate": obj({"metadata": obj({"annotations": STRING_MAP, "labels": STRING_MAP})}),
                "name": STRING,
                "podTemplate": _SOLVER_POD,
                "serviceType": STRING,
            }
        ),
    }
)
_SOLVER_SELECTOR = obj({"dnsNames": ATOMIC_STRINGS, "dnsZones": ATOMIC_STRINGS, "matchLabels": STRING_MAP})
# Of the many DNS providers, those that need no Secret: a pod has an identity there.
_DNS01 = obj(
    {
        "cloudDNS": obj({"hostedZoneName": STRING, "project": STRING}, "project"),
        "cnameStrategy": string(enum=["None", "Follow"]),
        "route53": obj({"hostedZoneID": STRING, "region": STRING, "role": STRING}),
    }
)
_SOLVER = Fragment("solver", obj({"dns01": _DNS01, "http01": _HTTP01, "selector": _SOLVER_SELECTOR}))
_ACME = obj(
    {
        "caBundle": _BYTES,
        "disableAccountKeyGeneration": BOOLEAN,
        "email": STRING,
        "enableDurationFeature": BOOLEAN,
        "externalAccountBinding": obj({"keyID": STRING, "keySecretRef": _SECRET_KEY}, "keyID keySecretRef"),
        "preferredChain": string(maxLength=64),
        "privateKeySecretRef": _SECRET_KEY,
        "profile": STRING,
        "server": STRING,
        "skipTLSVerify": BOOLEAN,
        "solvers": array(_SOLVER, "atomic"),
    },
    "privateKeySecretRef server",
)
_ISSUER: Schema = obj(
    {
        "acme": _ACME,
        "ca": obj(
            {
                "crlDistributionPoints": ATOMIC_STRINGS,
                "issuingCertificateURLs": ATOMIC_STRINGS,
                "ocspServers": ATOMIC_STRINGS,
                "secretName": STRING,
            },
            "secretName",
        ),
        "selfSigned": obj({"crlDistributionPoints": ATOMIC_STRINGS}),
    }
)

KINDS = (
    Kind(
        _GROUP,
        "Certificate",
        "certificates",
        "A certificate that cert-manager keeps valid in a Secret.",
        _CERTIFICATE,
        short_names=("cert", "certs"),
        categories=("cert-manager",),
        columns=(
            _READY,
            ("Secret", "string", ".spec.secretName"),
            ("Issuer", "string", ".spec.issuerRef.name"),
            _MESSAGE,
            AGE,
        ),
        required="",
    ),
    Kind(
        _GROUP,
        "CertificateRequest",
        "certificaterequests",
        "One request to sign a certificate.",
        obj(
            {
                "duration": STRING,
                "extra": mapping(STRINGS),
                "groups": ATOMIC_STRINGS,
                "isCA": BOOLEAN,
                "issuerRef": _ISSUER_REFERENCE,
                "request": _BYTES,
                "uid": STRING,
                "usages": _USAGES,
                "username": STRING,
            },
            "issuerRef request",
        ),
        short_names=("cr", "crs"),
        categories=("cert-manager",),
        columns=(_READY, ("Issuer", "string", ".spec.issuerRef.name"), _MESSAGE, AGE),
        required="",
    ),
    Kind(
        _GROUP,
        "Issuer",
        "issuers",
        "Who signs the certificates of one namespace.",
        _ISSUER,
        short_names=("iss",),
        categories=("cert-manager",),
        columns=(_READY, _MESSAGE, AGE),
    ),
    Kind(
        _GROUP,
        "ClusterIssuer",
        "clusterissuers",
        "Who signs certificates for every namespace.",
        _ISSUER,
        short_names=("ciss",),
        categories=("cert-manager",),
        cluster_scoped=True,
        columns=(_READY, _MESSAGE, AGE),
    ),
    Kind(
        _ACME_GROUP,
        "Order",
        "orders",
        "An ACME order in progress.",
        obj(
            {
                "commonName": STRING,
                "dnsNames": ATOMIC_STRINGS,
                "duration": STRING,
                "ipAddresses": ATOMIC_STRINGS,
                "issuerRef": _ISSUER_REFERENCE,
                "profile": STRING,
                "request": _BYTES,
            },
            "issuerRef request",
        ),
        categories=("cert-manager", "cert-manager-acme"),
        columns=(
            ("State", "string", ".status.state"),
            ("Issuer", "string", ".spec.issuerRef.name"),
            AGE,
        ),
        required="metadata spec",
    ),
    Kind(
        _ACME_GROUP,
        "Challenge",
        "challenges",
        "One ACME challenge of an order.",
        obj(
            {
                "authorizationURL": STRING,
                "dnsName": STRING,
                "issuerRef": _ISSUER_REFERENCE,
                "key": STRING,
                "solver": _SOLVER,
                "token": STRING,
                "type": choice("HTTP-01", "DNS-01"),
                "url": STRING,
                "wildcard": BOOLEAN,
            },
            "authorizationURL dnsName issuerRef key solver token type url",
        ),
        categories=("cert-manager", "cert-manager-acme"),
        columns=(
            ("State", "string", ".status.state"),
            ("Domain", "string", ".spec.dnsName"),
            AGE,
        ),
        required="metadata spec",
    ),
)
