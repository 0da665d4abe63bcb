"""How resources of a simulated cloud come, change and go: conflicts, dependencies, protection, what is kept."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from simulator.clouds import outputs
from simulator.clouds.account import Account
from simulator.clouds.changes import check_change
from simulator.clouds.errors import CloudRefusal
from simulator.clouds.rows import Row
from simulator.clouds.store import CloudStore, Content, Record, alive, bare, key, named, names_of
from simulator.clouds.tables import ROWS
from simulator.clouds.values import at, every

Inputs = Mapping[str, Any]


class Effects(Protocol):
    """What happens outside of the books: clusters and nodes."""

    def made(self, record: Record, content: Content) -> dict[str, Any]:
        """After a create or an update. Returns outputs that only now are known, by dotted path."""

    def ending(self, record: Record, content: Content) -> None:
        """Before a delete."""


class Made(NamedTuple):
    """A new resource."""

    id: str
    outputs: dict[str, Any]


class AccountLifecycle:
    """The resources of one provider's account."""

    def __init__(self, store: CloudStore, account: Account, effects: Effects) -> None:
        self._store = store
        self._account = account
        self._effects = effects

    def create(self, urn: str, row: Row, inputs: dict[str, Any]) -> Made:
        """Makes a resource. Raises CloudRefusal."""
        with self._store.changing() as content:
            generation = content["generations"].get(urn, 0) + 1
            record = self._record(f"{urn} {generation}", row, inputs, content)
            self._refuse_conflict(row, record, content)
            self._refuse_missing(row, inputs, content)
            _refuse_place(row, inputs, content)
            _refuse_version(row, inputs, content)
            content["generations"][urn] = generation
            content["records"][key(row.type, record["id"])] = record
        try:
            late = self._effects.made(record, content)
        except BaseException:
            with self._store.changing() as content:
                content["records"].pop(key(row.type, record["id"]), None)
            raise
        return Made(record["id"], self._finish(row, record, late))

    def update(self, row: Row, identity: str, news: dict[str, Any], olds: Inputs) -> dict[str, Any]:
        """Changes a resource. Raises CloudRefusal."""
        with self._store.changing() as content:
            record = alive(content, row.type, identity)
            if record is None:
                raise CloudRefusal("ResourceNotFoundException", f"there is no {row.title} {identity}")
            self.refuse_change(row, olds, news)
            self._refuse_missing(row, news, content)
            _refuse_version(row, news, content, has=record["outputs"].get("version", ""))
            before = dict(record)
            record["outputs"] = outputs.updated(row, self._account, news, record["outputs"])
            record["inputs"] = news
        try:
            late = self._effects.made(record, content)
        except BaseException:
            with self._store.changing() as content:
                content["records"][key(row.type, identity)] = before  # type: ignore[assignment]
            raise
        return self._finish(row, record, late)

    def refuse_change(self, row: Row, olds: Inputs, news: Inputs) -> None:
        """Raises CloudRefusal for what the cloud cannot make of what is there."""
        failures = list(check_change(row, olds, news))
        if failures:
            raise CloudRefusal("InvalidRequest", "; ".join(f"{path}: {reason}" for path, reason in failures))

    def delete(self, row: Row, identity: str, inputs: Inputs) -> None:
        """Takes a resource away; nothing happens when it is not there. Raises CloudRefusal."""
        content = self._store.read()
        record = alive(content, row.type, identity)
        if record is None:
            return
        _refuse_protected(row, record["inputs"])
        _refuse_in_use(row, record, content)
        self._effects.ending(record, content)
        with self._store.changing() as content:
            record = alive(content, row.type, identity)
            if record is None:
                return
            _refuse_in_use(row, record, content)
            if row.outlives:
                record["gone"] = True
                record["inputs"], record["outputs"] = {}, {}
            else:
                del content["records"][key(row.type, identity)]

    def read(self, row: Row, identity: str) -> Record | None:
        """A resource as it is; None when there is none."""
        return self._store.get(row.type, identity)

    def _record(self, seed: str, row: Row, inputs: dict[str, Any], content: Content) -> Record:
        given = outputs.words(row, self._account, inputs, seed, _looked_up(row, inputs, content))
        prefix = next((p for p in (f"{row.autoname}Prefix", "namePrefix") if p in inputs), "") if row.autoname else ""
        if prefix and row.autoname not in inputs:
            given["name"] = given[row.autoname] = f"{inputs[prefix]}{given['hash'][-8:]}"
        for name, template in row.outputs.items():  # a name may be one that the cloud chooses
            if "." not in name and name not in given and f"{{{name}}}" in f"{row.id}{row.unique}":
                given[name] = outputs.fill(template, given)
        identity = row.id.format_map(given)
        given["id"] = identity
        answer = outputs.made(row, self._account, inputs, given)
        if prefix:
            answer[row.autoname] = given[row.autoname]
        return Record(
            type=row.type,
            id=identity,
            unique=row.unique.format_map(given),
            inputs=inputs,
            outputs=answer,
            gone=False,
        )

    def _refuse_conflict(self, row: Row, record: Record, content: Content) -> None:
        same = content["records"].get(key(row.type, record["id"]))
        if record["unique"] and same is None:
            family = [other for other in content["records"].values() if other["type"] == row.type]
            same = next((other for other in family if other["unique"] == record["unique"]), None)
        if same is None:
            return
        code = "AlreadyExists" if row.cloud == "aws" else "Error 409: Already Exists"
        kept = (
            ", and its name stays taken although it was deleted: import it, or choose another" if same["gone"] else ""
        )
        raise CloudRefusal(code, f"there is a {row.title} {same['id']!r} already{kept}")

    def _refuse_missing(self, row: Row, inputs: Inputs, content: Content) -> None:
        for path, tokens in row.needs.items():
            for name in every(inputs, path.removeprefix("~")):
                if isinstance(name, str) and name and not _is_the_clouds_own(name) and not named(content, tokens, name):
                    what = ROWS[tokens.split()[0]].title
                    code = "NotFound" if row.cloud == "aws" else "Error 404: notFound"
                    raise CloudRefusal(code, f"{path.removeprefix('~')}: there is no {what} {name!r}")

    def _finish(self, row: Row, record: Record, late: Mapping[str, Any]) -> dict[str, Any]:
        if late:
            for path, value in late.items():
                _set(record["outputs"], path, value)
            with self._store.changing() as content:
                content["records"][key(row.type, record["id"])] = record
        return record["outputs"]


def _looked_up(row: Row, inputs: Inputs, content: Content) -> dict[str, Any]:
    """Words that other resources know."""
    found: dict[str, Any] = {}
    for subnet in (*every(inputs, "vpcConfig.subnetIds"), *every(inputs, "subnetIds")):
        record = named(content, "aws:ec2/subnet:Subnet", subnet) if isinstance(subnet, str) else None
        if record:
            found["vpcOfSubnets"] = record["inputs"].get("vpcId", "")
    cluster = inputs.get("clusterName")
    record = named(content, "aws:eks/cluster:Cluster", cluster) if isinstance(cluster, str) else None
    if record:
        found["versionOfCluster"] = record["outputs"].get("version", "")
    cluster = inputs.get("cluster")
    record = named(content, "gcp:container/cluster:Cluster", cluster) if isinstance(cluster, str) else None
    if record:
        found["locationOfCluster"] = record["outputs"]["location"]
        found["cluster"] = record["outputs"]["name"]
        found["zones"] = record["outputs"]["nodeLocations"]
        found.setdefault("location", record["outputs"]["location"])
    version = str(inputs.get("minMasterVersion") or "1.35")
    found["clusterVersion"] = (
        version if "gke" in version else f"{version}.0-gke.0" if version.count(".") == 1 else version
    )
    return found


def _refuse_place(row: Row, inputs: Inputs, content: Content) -> None:
    """Where things must lie in each other."""
    if row.type == "aws:ec2/subnet:Subnet":
        vpc = named(content, "aws:ec2/vpc:Vpc", inputs["vpcId"])
        ours = ipaddress.ip_network(inputs["cidrBlock"]) if inputs.get("cidrBlock") else None
        whole = vpc["inputs"].get("cidrBlock") if vpc else None
        if ours is None or whole is None:
            return
        if not ours.subnet_of(ipaddress.ip_network(whole)):  # type: ignore[arg-type]
            raise CloudRefusal("InvalidSubnet.Range", f"The CIDR {ours!s} is not within {whole} of the VPC")
        siblings = (each for each in content["records"].values() if each["type"] == row.type)
        for other in siblings:
            same = other["inputs"].get("vpcId") == inputs["vpcId"]
            if same and ours.overlaps(ipaddress.ip_network(other["inputs"]["cidrBlock"])):
                raise CloudRefusal("InvalidSubnet.Conflict", f"The CIDR {ours!s} conflicts with {other['id']}")
    zones = {"aws:eks/cluster:Cluster": "vpcConfig.subnetIds", "aws:rds/subnetGroup:SubnetGroup": "subnetIds"}
    if row.type in zones:
        subnets = [named(content, "aws:ec2/subnet:Subnet", subnet) for subnet in every(inputs, zones[row.type])]
        if len({at(subnet, "outputs.availabilityZone") for subnet in subnets}) < 2:
            raise CloudRefusal("InvalidParameter", f"{zones[row.type]} must be in at least two different AZs")


def _refuse_version(row: Row, inputs: Inputs, content: Content, has: str = "") -> None:
    """A node group is made in its cluster's version; later it goes to that one, or stays in the one it has (EKS API,
    CreateNodegroup and UpdateNodegroupVersion). Not in a
    preview, which may raise the cluster in the same run."""
    if row.type != "aws:eks/nodeGroup:NodeGroup" or not inputs.get("version"):
        return
    cluster = named(content, "aws:eks/cluster:Cluster", inputs["clusterName"])
    wanted, highest = inputs["version"], at(cluster, "outputs.version")
    if highest and wanted not in (highest, has):
        stays = f" or NodeGroup kubernetes version {has}" if has else ""
        raise CloudRefusal(
            "InvalidParameterException",
            f"version {wanted}: Nodegroup Kubernetes version should be equal to Cluster kubernetes version "
            f"{highest}{stays}",
        )


def _refuse_protected(row: Row, inputs: Inputs) -> None:
    value = at(inputs, row.protected) if row.protected else False
    if value is None:
        value = row.protected_by_default
    if value is True:
        raise CloudRefusal(
            "OperationNotPermitted", f"{row.title}: {row.protected} is on; switch it off in an update before it can go"
        )
    last = bool(inputs.get("skipFinalSnapshot") or inputs.get("finalSnapshotIdentifier"))
    if row.type == "aws:rds/instance:Instance" and not last:
        raise CloudRefusal("InvalidParameter", "finalSnapshotIdentifier is required when skipFinalSnapshot is false")


def _refuse_in_use(row: Row, record: Record, content: Content) -> None:
    users = sorted(set(_users(row, record, content)))
    if users:
        code = "DependencyViolation" if row.cloud == "aws" else "Error 400: resourceInUseByAnotherResource"
        raise CloudRefusal(code, f"{row.title} {record['id']!r} is in use by {', '.join(users[:5])}")


def _users(row: Row, record: Record, content: Content) -> Iterator[str]:
    names = names_of(record)
    if row.type == "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":  # it is not deleted: it goes with its VPC
        return
    for other in content["records"].values():
        if other["gone"]:
            continue
        user = ROWS[other["type"]]
        for path, tokens in user.needs.items():
            if path.startswith("~") or row.type not in tokens.split():
                continue
            if user.type == "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
                continue
            if any(isinstance(name, str) and bare(name) in names for name in every(other["inputs"], path)):
                yield f"{user.title} {other['id']}"


def _is_the_clouds_own(name: str) -> bool:
    """Policies that AWS keeps, gateways and networks that are there by themselves."""
    return name in ("local", "default") or name.startswith(("arn:aws:iam::aws:", "alias/aws/"))


def _set(properties: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        inner = properties.setdefault(step, {})
        properties = inner if isinstance(inner, dict) else {}
    properties[last] = value
