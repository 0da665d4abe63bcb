{{/*
The templates that every stand-in chart shares.
*/}}

{{- define "stand-in.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Helm's usual rule: the release name alone where it holds the chart's name already. */}}
{{- define "stand-in.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $joined := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $joined | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "stand-in.selector" -}}
app.kubernetes.io/name: {{ include "stand-in.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What says of an object who made it, and that it is a stand-in. */}}
{{- define "stand-in.origin" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
mlplatform.dev/stand-in: "true"
{{- end -}}

{{- define "stand-in.labels" -}}
{{ include "stand-in.origin" . }}
{{ include "stand-in.selector" . }}
{{- end -}}

{{/* The entries of a dictionary that were given: not null, empty, zero or false. */}}
{{- define "stand-in.given" -}}
{{- $given := dict -}}
{{- range $key, $value := . }}{{ if $value }}{{ $_ := set $given $key $value }}{{ end }}{{ end -}}
{{- if $given }}{{ toYaml $given }}{{ end -}}
{{- end -}}

{{/* Metadata of an object. Takes: name, namespace, labels (YAML), annotations (a dictionary; may be empty). */}}
{{- define "stand-in.metadata" -}}
name: {{ .name }}
namespace: {{ .namespace }}
labels: {{- .labels | nindent 2 }}
{{- with .annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
A role and its binding: a ClusterRole, or a Role in the namespace `in`. Takes: name, binding (default: name), labels (YAML),
account, namespace (of the account), rules (YAML), in.
*/}}
{{- define "stand-in.grant" -}}
{{- $cluster := ternary "" "Cluster" (hasKey . "in") -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $cluster }}Role
metadata:
  name: {{ .name }}
  {{- with .in }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- .labels | nindent 4 }}
rules: {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $cluster }}RoleBinding
metadata:
  name: {{ .binding | default .name }}
  {{- with .in }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- .labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $cluster }}Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ .namespace }}
{{- end -}}

{{/* A PodDisruptionBudget. Takes: name, namespace, labels (YAML), selector (YAML), budget (the chart's value). */}}
{{- define "stand-in.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "stand-in.metadata" . | nindent 2 }}
spec:
  selector:
    matchLabels: {{- .selector | nindent 6 }}
  {{- $limits := pick .budget "minAvailable" "maxUnavailable" "unhealthyPodEvictionPolicy" }}
  {{- if kindIs "invalid" $limits.maxUnavailable }}
  minAvailable: {{ $limits.minAvailable | default 1 }}
  {{- else }}
  maxUnavailable: {{ $limits.maxUnavailable }}
  {{- end }}
  {{- with $limits.unhealthyPodEvictionPolicy }}
  unhealthyPodEvictionPolicy: {{ . }}
  {{- end }}
{{- end -}}

{{/*
Of a Service: the provider would wait ten seconds for its endpoints to settle, after the pods behind them are ready,
which the Deployment is awaited for already. Upstream's charts do not say so: there it does wait.
*/}}
{{- define "stand-in.unawaited" -}}
pulumi.com/skipAwait: "true"
{{- end -}}
