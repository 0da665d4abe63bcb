"""How the tracking server is reached: through the gateway, or through an Ingress where the settings say so."""

from settings.reader import from_file
from stacks.data import exposure
from tests.components.platform_handles import GATEWAY
from tests.support.settings import GOOD, overlaid

INGRESS = {
    "hostname": "runs.example.com",
    "className": "nginx",
    "tlsSecretName": "runs-tls",
    "controllerNamespace": "ingress-nginx",
}


def test_people_come_through_the_gateway() -> None:
    settings = from_file(GOOD.read_text(encoding="utf-8"))
    domain = settings.domains[0]["name"]
    gateway = {**GATEWAY, "domains": {domain: "ml.example.com"}}
    exposed, name = exposure(settings, gateway)  # type: ignore[arg-type]
    assert exposed == {"route": {"gateway": gateway, "domain": domain, "host": "mlflow"}}
    assert name == "mlflow.ml.example.com"


def test_an_ingress_takes_the_place_of_the_route() -> None:
    exposed, name = exposure(from_file(overlaid({"mlflow": {"ingress": INGRESS}})), GATEWAY)
    assert exposed == {
        "ingress": {
            "hostname": "runs.example.com",
            "class_name": "nginx",
            "tls_secret_name": "runs-tls",
            "controller_namespace": "ingress-nginx",
        }
    }
    assert name == "runs.example.com"


def test_the_login_of_the_settings_is_asked_on_the_route() -> None:
    """Only this finds a login that the settings name and no object asks for."""
    basic = {"kind": "basic", "usersSecretName": "mlflow-users"}
    settings = from_file(overlaid({"mlflow": {"login": basic}}))
    gateway = {**GATEWAY, "domains": {settings.domains[0]["name"]: "ml.example.com"}}
    exposed, _ = exposure(settings, gateway)  # type: ignore[arg-type]
    assert exposed["login"] == {"users_secret_name": "mlflow-users"}
    nobody, _ = exposure(from_file(overlaid({"mlflow": {"login": {"kind": "none"}}})), gateway)  # type: ignore[arg-type]
    assert "login" not in nobody
