"""Makes runs immutable: the API server refuses other settings for a run that has started."""

from typing import TypedDict

from pulumi import ResourceOptions
from pulumi_kubernetes import admissionregistration, meta

from components.base.component import Component
from components.base.labels import LABELS
from components.workloads.training.plan import SETTINGS_ANNOTATION

DEFAULT_PREFIX = "mlplatform"

_BEFORE = f"oldObject.metadata.annotations['{SETTINGS_ANNOTATION}']"
_AFTER = f"object.metadata.annotations['{SETTINGS_ANNOTATION}']"
_IS_A_RUN = f"has(oldObject.metadata.annotations) && '{SETTINGS_ANNOTATION}' in oldObject.metadata.annotations"
_STILL_IS = f"has(object.metadata.annotations) && '{SETTINGS_ANNOTATION}' in object.metadata.annotations"


class FixedRunsArgs(TypedDict, total=False):
    """The policy is the same in every environment."""

    prefix: str
    """Prefix of its name; default `mlplatform`. Set another one if two stacks share a cluster."""


class FixedRuns(Component):
    """Admission policy for all runs, cluster-wide, once.

    Kubernetes cannot change the pods of a Job, so the provider would delete a running training and create it again when
    a setting changes. Trainings therefore ignore such changes once they run, and this admission policy refuses them in
    the preview (a dry run on the server) with a message that names the remedy: another `run`.
    """

    def __init__(self, name: str, args: FixedRunsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        guard = f"{args.get('prefix') or DEFAULT_PREFIX}-fixed-runs"
        policy = admissionregistration.v1.ValidatingAdmissionPolicy(
            f"{name}-policy",
            metadata=meta.v1.ObjectMetaArgs(name=guard, labels=LABELS),
            spec={
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "resourceRules": [
                        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["jobs"]}
                    ]
                },
                "matchConditions": [{"name": "is-a-run", "expression": _IS_A_RUN}],
                "validations": [
                    {
                        "expression": f"{_STILL_IS} && {_AFTER} == {_BEFORE}",
                        "messageExpression": "'run ' + object.metadata.name + ' was started with other settings and is "
                        "immutable: set another `run` for the training, or revert the change'",
                        "reason": "Invalid",
                    }
                ],
            },
            opts=self.child,
        )
        admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            f"{name}-binding",
            metadata=meta.v1.ObjectMetaArgs(name=guard, labels=LABELS),
            spec={"policyName": policy.metadata.name, "validationActions": ["Deny"]},
            opts=self.child,
        )
        self.register_outputs({})
