"""The platform's rules, as PrometheusRule custom resources that Prometheus finds."""

from typing import Required

from pulumi import Input, ResourceOptions

from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.findings import refuse
from components.monitoring.rule import RuleScope
from components.monitoring.rules import groups, rule_group
from components.monitoring.spec import AlertRulesSpec
from components.monitoring.validation import check_alert_rules


class AlertRulesArgs(AlertRulesSpec, total=False):
    """The settings, and values that the platform adds."""

    namespace: Required[Input[str]]
    """Namespace of the PrometheusRules; the CRDs of prometheus-operator must exist."""
    monitoring_namespace: str
    """Namespace of Grafana, which has no latency objective. Default: monitoring."""
    mlflow_namespace: str
    """Namespace of MLflow; empty or missing: no rules about it."""
    backup_age_hours: int
    """Age at which the last good backup is too old. Default: 26. Backups are CronJobs with `backup` in their name."""
    extended_resources: list[str]
    """Extended resources of accelerators that are not in the catalogue."""


def rule_scope(args: AlertRulesArgs) -> RuleScope:
    """The arguments with their defaults. Pure."""
    usual = RuleScope()
    return RuleScope(
        monitoring_namespace=args.get("monitoring_namespace") or usual.monitoring_namespace,
        mlflow_namespace=args.get("mlflow_namespace") or "",
        backup_age_hours=int(args.get("backup_age_hours") or usual.backup_age_hours),
        objectives=args.get("objectives") or usual.objectives,
        extended_resources=tuple(args.get("extended_resources") or ()),
    )


class AlertRules(Component):
    """Recording and alerting rules for accelerators, training, serving, MLflow and the infrastructure below them."""

    def __init__(self, name: str, args: AlertRulesArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"alert rules {name}", check_alert_rules(name, args))
        super().__init__(name, args, opts)
        for group in groups(rule_scope(args)):
            custom_resource(
                f"{name}-{group.name}",
                "PrometheusRule",
                f"mlplatform-{group.name}",
                {"groups": [rule_group(group, args.get("runbook_base_url") or "")]},
                self.child,
                namespace=args["namespace"],
            )
        self.register_outputs({})
