{{- define "karpenter.labels" -}}
{{ include "stand-in.labels" . }}
{{- with .Values.additionalLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* `annotations:` of an object, where it has any. Takes: root, more (annotations of the one object). */}}
{{- define "karpenter.annotations" -}}
{{- with merge (dict) (.more | default dict) .root.Values.additionalAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "karpenter.metadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels: {{- include "karpenter.labels" .root | nindent 2 }}
{{- include "karpenter.annotations" (dict "root" .root "more" .more) }}
{{- end -}}

{{- define "karpenter.account" -}}
{{- .Values.serviceAccount.name | default (ternary (include "stand-in.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* Environment variable of the controller -> the setting that it holds; a setting that is empty or off is not there. */}}
{{- define "karpenter.settings" -}}
BATCH_MAX_DURATION: batchMaxDuration
BATCH_IDLE_DURATION: batchIdleDuration
PREFERENCE_POLICY: preferencePolicy
MIN_VALUES_POLICY: minValuesPolicy
CLUSTER_CA_BUNDLE: clusterCABundle
CLUSTER_NAME: clusterName
CLUSTER_ENDPOINT: clusterEndpoint
ISOLATED_VPC: isolatedVPC
EKS_CONTROL_PLANE: eksControlPlane
VM_MEMORY_OVERHEAD_PERCENT: vmMemoryOverheadPercent
INTERRUPTION_QUEUE: interruptionQueue
ENABLE_ZONAL_SHIFT: enableZonalShift
RESERVED_ENIS: reservedENIs
IGNORE_DRA_REQUESTS: ignoreDRARequests
DISABLE_CLUSTER_STATE_OBSERVABILITY: disableClusterStateObservability
DISABLE_DRY_RUN: disableDryRun
AMI_REFRESH_INTERVAL: amiRefreshInterval
SUBNET_REFRESH_INTERVAL: subnetRefreshInterval
{{- end -}}

{{/* `Gate=true,…` of a dictionary of gates, named as the program names them. */}}
{{- define "karpenter.gates" -}}
{{- $gates := list }}
{{- range $name, $on := . }}{{ $gates = append $gates (printf "%s%s=%t" ($name | substr 0 1 | upper) ($name | substr 1 -1) $on) }}{{ end }}
{{- join "," $gates }}
{{- end -}}

{{/* Terms that select pods and say not which mean the controller's own. Takes: root, terms. */}}
{{- define "karpenter.selecting" -}}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "stand-in.selector" .root | fromYaml)) }}
{{- $terms := list }}
{{- range .terms }}
{{- if and (kindIs "map" .) (not (hasKey . "labelSelector")) }}{{ $terms = append $terms (merge (dict) . $own) }}{{ else }}{{ $terms = append $terms . }}{{ end }}
{{- end }}
{{- toYaml $terms }}
{{- end -}}
