"""Storage classes by purpose: the purpose of a volume decides its device and its retention."""

from pulumi import ResourceOptions
from pulumi_kubernetes import meta, storage

from components.base.component import Component
from components.base.labels import LABELS
from components.findings import refuse
from components.storage.plan import (
    DEFAULT_CLASS_ANNOTATION,
    ENCRYPTION_ANNOTATION,
    ClassPlan,
    StorageClassesArgs,
    StorageHandle,
    StoragePurpose,
    class_fields,
    plan_storage_classes,
)
from components.storage.validation import check_storage_classes


class StorageClasses(Component):
    """One storage class for each supported purpose, exactly one of them the default."""

    def __init__(self, name: str, args: StorageClassesArgs, opts: ResourceOptions | None = None) -> None:
        plans = plan_storage_classes(name, args)
        refuse(f"storage classes {name}", check_storage_classes("storage", plans))
        super().__init__(name, args, opts)
        for plan in plans:
            if not plan.exists:
                self._declare(name, plan)
        self.handles: dict[StoragePurpose, StorageHandle] = {plan.purpose: plan.handle for plan in plans}
        """Handles for volumes, by purpose; unsupported purposes are missing."""
        self.register_outputs({})

    def _declare(self, name: str, plan: ClassPlan) -> None:
        storage.v1.StorageClass(
            f"{name}-{plan.purpose}",
            metadata=meta.v1.ObjectMetaArgs(
                name=plan.class_name,
                labels=LABELS,
                annotations={
                    DEFAULT_CLASS_ANNOTATION: "true" if plan.is_default else "false",
                    ENCRYPTION_ANNOTATION: plan.encryption,
                },
            ),
            **class_fields(plan),
            opts=self.child,
        )
