{{/* What the parts may read and write, in its essence. */}}
{{- define "kps.operatorRules" -}}
- apiGroups: [monitoring.coreos.com]
  resources: [alertmanagers, alertmanagers/status, alertmanagers/finalizers, alertmanagerconfigs, prometheuses, prometheuses/status, prometheuses/finalizers, servicemonitors, servicemonitors/status, podmonitors, podmonitors/status, probes, probes/status, prometheusrules, prometheusrules/status, scrapeconfigs, scrapeconfigs/status]
  verbs: ["*"]
- { apiGroups: [apps], resources: [statefulsets], verbs: ["*"] }
- { apiGroups: [""], resources: [configmaps, secrets], verbs: ["*"] }
- { apiGroups: [""], resources: [services, services/finalizers, endpoints], verbs: [get, list, watch, create, update, delete] }
- { apiGroups: [""], resources: [pods, nodes, namespaces], verbs: [get, list, watch, delete] }
- { apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch, create, update, delete] }
- { apiGroups: ["", events.k8s.io], resources: [events], verbs: [create, patch] }
- { apiGroups: [storage.k8s.io], resources: [storageclasses], verbs: [get] }
{{- end -}}

{{- define "kps.prometheusRules" -}}
- { apiGroups: [""], resources: [nodes, nodes/metrics, services, endpoints, pods, configmaps], verbs: [get, list, watch] }
- { apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch] }
- { apiGroups: [networking.k8s.io], resources: [ingresses], verbs: [get, list, watch] }
- { nonResourceURLs: [/metrics, /metrics/cadvisor], verbs: [get] }
{{- end -}}

{{- define "kps.stateRules" -}}
- { apiGroups: [""], resources: [configmaps, limitranges, namespaces, nodes, persistentvolumeclaims, persistentvolumes, pods, replicationcontrollers, resourcequotas, secrets, services], verbs: [list, watch] }
- { apiGroups: [apps], resources: [daemonsets, deployments, replicasets, statefulsets], verbs: [list, watch] }
- { apiGroups: [batch], resources: [cronjobs, jobs], verbs: [list, watch] }
- { apiGroups: [autoscaling, policy, coordination.k8s.io, discovery.k8s.io, networking.k8s.io, storage.k8s.io, certificates.k8s.io, admissionregistration.k8s.io], resources: ["*"], verbs: [list, watch] }
{{- if .customResourceState.enabled }}
- { apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [list, watch] }
{{- end }}
{{- with .rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "kps.grafanaRules" -}}
- { apiGroups: [""], resources: [configmaps, secrets], verbs: [get, list, watch] }
{{- end -}}
