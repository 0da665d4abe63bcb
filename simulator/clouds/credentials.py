"""`credentials.py aws …|gke`: the credentials of a simulated cluster, as `aws eks get-token` and GKE's plugin print.

Run as a file, by the executables on PATH. What is printed is the client certificate and key of the embedded cluster's
administrator; it is nowhere but in that cluster's own files, which their owner alone can read.
"""

import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])

_USAGE = "the simulated aws command has `aws eks get-token --cluster-name NAME` alone"
_VALUED = {"--cluster-name", "--region", "--output", "--role-arn", "--profile", "--cluster-id"}


def main(arguments: list[str], environment: dict[str, str]) -> str:
    """What is printed. SystemExit with the reason when there is nothing to print."""
    from simulator.clouds.clusters import embedded  # noqa: PLC0415 - after sys.path
    from simulator.clouds.provider import DIRECTORY_VARIABLE  # noqa: PLC0415

    directory = Path(environment.get(DIRECTORY_VARIABLE) or sys.exit(f"{DIRECTORY_VARIABLE} is not set"))
    asked = json.loads(environment.get("KUBERNETES_EXEC_INFO") or "{}")
    if arguments[0] == "aws":
        kubeconfig = embedded(directory, "aws", _cluster_name(arguments[1:])).kubeconfig
    else:
        kubeconfig = _gke(directory, str(asked.get("spec", {}).get("cluster", {}).get("server", "")))
    keys = kubeconfig.parent / "pki"
    try:
        status = {
            "clientCertificateData": (keys / "admin.crt").read_text(encoding="utf-8"),
            "clientKeyData": (keys / "admin.key").read_text(encoding="utf-8"),
        }
    except FileNotFoundError:
        sys.exit("ResourceNotFoundException: the simulated cloud has no such cluster")
    version = asked.get("apiVersion") or "client.authentication.k8s.io/v1beta1"
    return json.dumps({"kind": "ExecCredential", "apiVersion": version, "spec": {}, "status": status})


def _cluster_name(arguments: list[str]) -> str:
    words, options, rest = [], {}, list(arguments)
    while rest:
        word = rest.pop(0)
        name, _, value = word.partition("=")
        if name in _VALUED:
            options[name] = value or (rest.pop(0) if rest else "")
        elif word.startswith("-"):
            sys.exit(f"Unknown options: {word}; {_USAGE}")
        else:
            words.append(word)
    if words != ["eks", "get-token"] or "--cluster-name" not in options:
        sys.exit(_USAGE)
    return options["--cluster-name"]


def _gke(directory: Path, server: str) -> Path:
    """The kubeconfig of the GKE cluster that is meant: the only one, or that of the server that kubectl names."""
    from simulator.cluster import Cluster  # noqa: PLC0415

    found = [cluster.kubeconfig for cluster in Cluster.clusters(directory) if cluster.name.startswith("gcp-")]
    if server:
        found = [path for path in found if server in path.read_text(encoding="utf-8")]
    if len(found) != 1:
        sys.exit(
            f"the simulated cloud has {len(found)} GKE clusters that could be meant; write provideClusterInfo: true in "
            "the exec section of the kubeconfig, so that the plugin knows which"
        )
    return found[0]


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:], dict(os.environ)) + "\n")
