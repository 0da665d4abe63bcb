{{/* What each part of cert-manager may do, in its essence. */}}

{{- define "controller.rules" -}}
- apiGroups: [cert-manager.io]
  resources: [certificates, certificaterequests, issuers, clusterissuers]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [cert-manager.io]
  resources: [certificates/status, certificaterequests/status, issuers/status, clusterissuers/status, certificates/finalizers]
  verbs: [update, patch]
- { apiGroups: [cert-manager.io], resources: [signers], resourceNames: [issuers.cert-manager.io/*, clusterissuers.cert-manager.io/*], verbs: [approve] }
- apiGroups: [acme.cert-manager.io]
  resources: [orders, orders/status, orders/finalizers, challenges, challenges/status, challenges/finalizers]
  verbs: [get, list, watch, create, update, patch, delete]
- { apiGroups: [""], resources: [secrets, pods, services], verbs: [get, list, watch, create, update, patch, delete] }
- { apiGroups: [""], resources: [events], verbs: [create, patch] }
- { apiGroups: [networking.k8s.io], resources: [ingresses, ingresses/finalizers], verbs: [get, list, watch, create, update, delete] }
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, httproutes, gateways/finalizers, httproutes/finalizers]
  verbs: [get, list, watch, create, update, delete]
{{- end -}}

{{- define "webhook.rules" -}}
- { apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create] }
- { apiGroups: [""], resources: [secrets], resourceNames: ["{{ include "stand-in.fullname" . }}-webhook-ca"], verbs: [get, list, watch, update] }
{{- end -}}

{{- define "cainjector.rules" -}}
- { apiGroups: [cert-manager.io], resources: [certificates], verbs: [get, list, watch] }
- { apiGroups: [""], resources: [secrets], verbs: [get, list, watch] }
- { apiGroups: [""], resources: [events], verbs: [get, create, update, patch] }
- { apiGroups: [admissionregistration.k8s.io], resources: ["*"], verbs: [get, list, watch, update, patch] }
- { apiGroups: [apiregistration.k8s.io], resources: [apiservices], verbs: [get, list, watch, update, patch] }
- { apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [get, list, watch, update, patch] }
{{- end -}}
