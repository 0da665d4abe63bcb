"""What the inputs of one resource grant, open or run with, in sentences that can be compared before and after. Pure."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from report.values import UNKNOWN, shown

Inputs = Mapping[str, Any]


class Exposure(NamedTuple):
    """One grant, opening or privilege."""

    area: str
    """`public endpoint`, `cloud access`, `cluster access`, `network`, `secret` or `privilege`."""
    text: str
    """Who may do what on which, in one line."""
    dangerous: bool = False
    """Whether it reaches everything, everyone or the node."""


_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_ANYWHERE = ("0.0.0.0/0", "::/0")
_ADMINS = ("cluster-admin", "AdministratorAccess", "AmazonEKSClusterAdminPolicy", "roles/owner", "roles/editor")


def exposures(type_: str, inputs: Inputs) -> tuple[Exposure, ...]:
    """What a resource of that type grants, opens or runs with; of other types only the privileges of their pods."""
    found = [*_READERS.get(type_, _nothing)(inputs)] if inputs else []
    return tuple(dict.fromkeys([*found, *_privileges(inputs)]))


def _nothing(_: Inputs) -> Iterator[Exposure]:
    yield from ()


def _eks(inputs: Inputs) -> Iterator[Exposure]:
    vpc = _mapping(inputs.get("vpcConfig"))
    if vpc.get("endpointPublicAccess"):
        ranges = _texts(vpc.get("publicAccessCidrs")) or ["0.0.0.0/0"]
        for one in ranges:
            yield Exposure("public endpoint", f"{one} reaches the Kubernetes API server", one in _ANYWHERE)


def _gke(inputs: Inputs) -> Iterator[Exposure]:
    dns = _mapping(_mapping(inputs.get("controlPlaneEndpointsConfig")).get("dnsEndpointConfig"))
    if dns.get("allowExternalTraffic"):
        yield Exposure(
            "public endpoint", "everyone with IAM access reaches the Kubernetes API server by its DNS endpoint"
        )
    authorized = _mapping(inputs.get("masterAuthorizedNetworksConfig"))
    for block in _list(authorized.get("cidrBlocks")):
        one = str(_mapping(block).get("cidrBlock", "?"))
        yield Exposure("public endpoint", f"{one} reaches the Kubernetes API server", one in _ANYWHERE)


def _service(inputs: Inputs) -> Iterator[Exposure]:
    spec = _mapping(inputs.get("spec"))
    kind = spec.get("type")
    if kind in ("LoadBalancer", "NodePort"):
        ranges = ", ".join(_texts(spec.get("loadBalancerSourceRanges"))) or "every address that reaches it"
        ports = ", ".join(str(_mapping(port).get("port")) for port in _list(spec.get("ports")))
        internal = "internal" in json.dumps(_mapping(_mapping(inputs.get("metadata")).get("annotations"))).lower()
        yield Exposure("public endpoint", f"{kind} {_object(inputs)}: ports {ports} for {ranges}", not internal)


def _route(inputs: Inputs) -> Iterator[Exposure]:
    for host in _texts(_mapping(inputs.get("spec")).get("hostnames")):
        yield Exposure("public endpoint", f"{host} is served by {_object(inputs)}")


def _aws_policy(inputs: Inputs) -> Iterator[Exposure]:
    yield from _statements(str(inputs.get("policy", "")), f"role {inputs.get('role', '?')}")


def _bucket_policy(inputs: Inputs) -> Iterator[Exposure]:
    yield from _statements(str(inputs.get("policy", "")), "")


def _statements(text: str, who: str) -> Iterator[Exposure]:
    try:
        document = json.loads(text)
    except ValueError:
        yield Exposure("cloud access", f"{who or 'a policy'}: {UNKNOWN}")
        return
    for statement in _list(_mapping(document).get("Statement")):
        one = _mapping(statement)
        if one.get("Effect") != "Allow":
            continue
        actions, resources = _texts(one.get("Action")), _texts(one.get("Resource")) or ["?"]
        subject = who or f"principal {shown(one.get('Principal'), 80)}"
        danger = "*" in actions or (not who and one.get("Principal") in ("*", {"AWS": "*"}))
        condition = " under a condition" if one.get("Condition") else ""
        grant = f"{subject} may {_some(actions)} on {_some(resources)}{condition}"
        yield Exposure("cloud access", grant, danger)


def _attachment(inputs: Inputs) -> Iterator[Exposure]:
    policy = str(inputs.get("policyArn", "?")).rpartition("/")[2]
    yield Exposure("cloud access", f"role {inputs.get('role', '?')} has the policy {policy}", policy in _ADMINS)


def _access_entry(inputs: Inputs) -> Iterator[Exposure]:
    policy = str(inputs.get("policyArn", "?")).rpartition("/")[2]
    who = str(inputs.get("principalArn", "?")).rpartition(":")[2]
    yield Exposure("cluster access", f"{who} has {policy} in the cluster", policy in _ADMINS)


def _pod_identity(inputs: Inputs) -> Iterator[Exposure]:
    account = f"{inputs.get('namespace', '?')}/{inputs.get('serviceAccount', '?')}"
    yield Exposure("cloud access", f"service account {account} acts as {_last(inputs.get('roleArn'))}")


def _member(inputs: Inputs) -> Iterator[Exposure]:
    on = next((str(inputs[key]) for key in ("bucket", "managedZone", "cryptoKeyId", "project") if key in inputs), "?")
    role, who = str(inputs.get("role", "?")), str(inputs.get("member", "?"))
    everyone = who in ("allUsers", "allAuthenticatedUsers")
    who = f"service account {who.partition('/subject/')[2]}" if "/subject/" in who else who
    yield Exposure("cloud access", f"{who} has {role} on {on}", everyone or role in _ADMINS)


def _rule(inputs: Inputs) -> Iterator[Exposure]:
    keys = ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId")
    peer = next((str(inputs[key]) for key in keys if key in inputs), "?")
    protocol = str(inputs.get("ipProtocol", "?"))
    ports = "every port" if protocol == "-1" else f"{protocol} {inputs.get('fromPort')} to {inputs.get('toPort')}"
    text = f"security group: {ports} with {peer} ({inputs.get('description', '')})"
    yield Exposure("network", text, peer in _ANYWHERE)


def _rbac_role(inputs: Inputs) -> Iterator[Exposure]:
    for rule in _list(inputs.get("rules")):
        one = _mapping(rule)
        verbs, resources = _texts(one.get("verbs")), _texts(one.get("resources")) or _texts(one.get("nonResourceURLs"))
        reads_secrets = "secrets" in resources and {"get", "list", "watch"} & set(verbs)
        spreads = "*" in verbs or "*" in resources or {"escalate", "bind", "impersonate"} & set(verbs)
        text = f"{_object(inputs)} may {', '.join(verbs)} {_some(resources)}"
        yield Exposure("cluster access", text, bool(reads_secrets or spreads) and inputs.get("kind") == "ClusterRole")


def _rbac_binding(inputs: Inputs) -> Iterator[Exposure]:
    role = _mapping(inputs.get("roleRef"))
    where = _mapping(inputs.get("metadata")).get("namespace")
    held = f"{role.get('kind')} {role.get('name')} {f'in {where}' if where else 'everywhere'}"
    for subject in _list(inputs.get("subjects")):
        one = _mapping(subject)
        name = "/".join(str(one[key]) for key in ("namespace", "name") if one.get(key))
        danger = role.get("name") in _ADMINS or name == "system:anonymous"
        yield Exposure("cluster access", f"{one.get('kind', '?')} {name} has {held}", danger)


def _network_policy(inputs: Inputs) -> Iterator[Exposure]:
    spec = _mapping(inputs.get("spec"))
    for direction, key, verb in (("ingress", "from", "receives from"), ("egress", "to", "reaches")):
        for rule in _list(spec.get(direction)):
            one = _mapping(rule)
            named = dict.fromkeys(str(_mapping(port).get("port", "every port")) for port in _list(one.get("ports")))
            ports = f"port {', '.join(named)}" if named else "every port"
            for peer in _list(one.get(key)) or [{}]:
                text, wide = _peer(_mapping(peer))
                yield Exposure("network", f"{_object(inputs)}: {verb} {text}, {ports}", wide and direction == "ingress")


def _peer(peer: Inputs) -> tuple[str, bool]:
    if block := _mapping(peer.get("ipBlock")):
        cidr = str(block.get("cidr", "?"))
        outside = _texts(block.get("except"))
        return f"{cidr}{f' except {_some(outside)}' if outside else ''}", cidr in _ANYWHERE
    if not peer:
        return "everything", True
    pods = _selected(peer.get("podSelector"), "every pod")
    where = _selected(peer.get("namespaceSelector"), "every namespace")
    return (f"{pods or 'every pod'} in {where}" if where else pods or "every pod"), False


def _selected(selector: Any, everything: str) -> str:
    """`a=b`, the name of a namespace, or `everything` for an empty selector; empty without one."""
    if selector is None:
        return ""
    labels, expressions = (_mapping(selector).get(key) for key in ("matchLabels", "matchExpressions"))
    pairs = sorted(_mapping(labels).items())
    texts = [str(value) if key == _NAMESPACE_NAME else f"{key}={value}" for key, value in pairs]
    return ", ".join([*texts, *(shown(one, 80) for one in _list(expressions))]) or everything


def _secret(inputs: Inputs) -> Iterator[Exposure]:
    keys = sorted({*_mapping(inputs.get("data")), *_mapping(inputs.get("stringData"))}) or ["keys that are not shown"]
    yield Exposure("secret", f"{_object(inputs)} with {', '.join(keys)}")


def _privileges(value: Any, where: str = "") -> Iterator[Exposure]:
    """Privileges of every pod in the inputs, also of one inside a custom resource."""
    if isinstance(value, Mapping):
        where = where or _object(value)
        if isinstance(value.get("containers"), list):
            yield from _pod(value, where)
        for part in value.values():
            yield from _privileges(part, where)
    elif isinstance(value, list):
        for part in value:
            yield from _privileges(part, where)


def _pod(spec: Inputs, where: str) -> Iterator[Exposure]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key) is True:
            yield Exposure("privilege", f"pods of {where} have {key}", True)
    for volume in _list(spec.get("volumes")):
        if path := _mapping(_mapping(volume).get("hostPath")).get("path"):
            yield Exposure("privilege", f"pods of {where} mount {path} of the node", True)
    for container in [*_list(spec.get("containers")), *_list(spec.get("initContainers"))]:
        one = _mapping(container)
        context = _mapping(one.get("securityContext"))
        name = one.get("name", "?")
        if context.get("privileged") is True:
            yield Exposure("privilege", f"container {name} of {where} is privileged", True)
        for capability in _texts(_mapping(context.get("capabilities")).get("add")):
            yield Exposure("privilege", f"container {name} of {where} has the capability {capability}", True)
        if context.get("runAsUser") == 0 or context.get("allowPrivilegeEscalation") is True:
            yield Exposure("privilege", f"container {name} of {where} may run as root")


_RBAC = "kubernetes:rbac.authorization.k8s.io/v1:"
_READERS: dict[str, Callable[[Inputs], Iterator[Exposure]]] = {
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": _access_entry,
    "aws:eks/cluster:Cluster": _eks,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _pod_identity,
    "aws:iam/rolePolicy:RolePolicy": _aws_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attachment,
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule,
    "gcp:container/cluster:Cluster": _gke,
    "gcp:dns/dnsManagedZoneIamMember:DnsManagedZoneIamMember": _member,
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": _member,
    "gcp:projects/iAMMember:IAMMember": _member,
    "gcp:storage/bucketIAMMember:BucketIAMMember": _member,
    "kubernetes:core/v1:Secret": _secret,
    "kubernetes:core/v1:Service": _service,
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": _route,
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": _network_policy,
    f"{_RBAC}ClusterRole": _rbac_role,
    f"{_RBAC}ClusterRoleBinding": _rbac_binding,
    f"{_RBAC}Role": _rbac_role,
    f"{_RBAC}RoleBinding": _rbac_binding,
}
"""Type -> what reads its inputs."""


def _object(inputs: Inputs) -> str:
    metadata = _mapping(inputs.get("metadata"))
    name = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    return f"{inputs.get('kind', 'object')} {name}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: Any) -> list[str]:
    return [str(one) for one in _list(value)]


def _last(value: Any) -> str:
    return str(value or "?").rpartition(":")[2]


def _some(names: Sequence[str], limit: int = 6) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
