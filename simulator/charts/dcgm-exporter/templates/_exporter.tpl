{{- define "dcgm.selector" -}}
{{ include "stand-in.selector" . }}
app.kubernetes.io/component: {{ include "stand-in.name" . }}
{{- end -}}

{{- define "dcgm.labels" -}}
{{ include "stand-in.origin" . }}
{{ include "dcgm.selector" . }}
{{- end -}}

{{/* Not empty where the exporter asks the API server about pods, so that it needs a token and a role. */}}
{{- define "dcgm.readsPods" -}}
{{- $names := .Values.kubernetes }}
{{- if or (and (or $names.enablePodLabels $names.enablePodUID) $names.rbac.create) .Values.kubernetesDRA.enabled }}yes{{ end }}
{{- end -}}
