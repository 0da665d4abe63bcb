"""A webhook configuration that carries the await which cert-manager's chart gets; it judges nothing that exists."""

import pulumi_kubernetes as kubernetes

from components.addons.cert_manager import CA_BUNDLE_WRITTEN

kubernetes.admissionregistration.v1.ValidatingWebhookConfiguration(
    "webhook",
    metadata={"name": "awaited", "annotations": CA_BUNDLE_WRITTEN},
    webhooks=[
        {
            "name": "awaited.example.com",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": "awaited", "namespace": "default"}},
            "rules": [
                {
                    "apiGroups": ["nothing.example.com"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["nothings"],
                }
            ],
        }
    ],
)
