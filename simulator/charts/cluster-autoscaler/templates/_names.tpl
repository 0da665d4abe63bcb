{{/* Upstream names everything after the cloud as well, the release's own name included. */}}
{{- define "autoscaler.name" -}}
{{- .Values.nameOverride | default (printf "%s-%s" .Values.cloudProvider .Chart.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "autoscaler.fullname" -}}
{{- $name := include "autoscaler.name" . -}}
{{- .Values.fullnameOverride | default (ternary $name (printf "%s-%s" .Release.Name $name) (eq $name .Release.Name)) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "autoscaler.account" -}}
{{- .Values.rbac.serviceAccount.name | default (ternary (include "autoscaler.fullname" .) "default" .Values.rbac.serviceAccount.create) -}}
{{- end -}}

{{- define "autoscaler.selector" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/name: {{ include "autoscaler.name" . }}
{{- end -}}

{{- define "autoscaler.labels" -}}
{{ include "stand-in.origin" . }}
{{ include "autoscaler.selector" . }}
{{- with .Values.additionalLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* "true" where the flag `expander` names the priority expander, whose priorities a ConfigMap holds. */}}
{{- define "autoscaler.usesPriorities" -}}
{{- if has "priority" (splitList "," (.Values.extraArgs.expander | default "")) }}true{{ end -}}
{{- end -}}
