{{/* Upstream cuts the name at 26 characters, so that the longest object name fits; its object names hang on it. */}}
{{- define "kps.fullname" -}}
{{- include "stand-in.fullname" . | trunc 26 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels of the stack's own objects. Takes: root, part. `release` is what Prometheus selects by, by default. */}}
{{- define "kps.labels" -}}
app: {{ include "stand-in.name" .root }}-{{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: {{ include "stand-in.name" .root }}
app.kubernetes.io/version: {{ .root.Chart.Version | quote }}
chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
heritage: {{ .root.Release.Service | quote }}
release: {{ .root.Release.Name | quote }}
mlplatform.dev/stand-in: "true"
{{- if eq .part "operator" }}
app.kubernetes.io/component: prometheus-operator
app.kubernetes.io/name: {{ include "stand-in.name" .root }}-prometheus-operator
{{- end }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of what upstream takes from another chart. Takes: root, chart. */}}
{{- define "kps.exporterLabels" -}}
{{ include "kps.exporterSelector" . }}
app.kubernetes.io/component: metrics
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: {{ .chart }}
mlplatform.dev/stand-in: "true"
{{- if (index .root.Values .chart).releaseLabel }}
release: {{ .root.Release.Name }}
{{- end }}
{{- end -}}

{{- define "kps.exporterSelector" -}}
app.kubernetes.io/name: {{ .chart }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{/* Takes: root, image (registry, repository, tag, sha), tag (where the value is empty). */}}
{{- define "kps.image" -}}
{{- $tag := .image.tag | default .tag -}}
{{ .root.Values.global.imageRegistry | default .image.registry }}/{{ .image.repository }}:{{ $tag }}{{ with .image.sha }}@sha256:{{ . }}{{ end }}
{{- end -}}

{{- define "kps.budget" -}}
{{- if .budget.enabled }}
---
{{ include "stand-in.budget" . }}
{{- end }}
{{- end -}}

{{/* A ServiceMonitor for pods of the stack. Takes: root, name, labels (YAML), selector (YAML), endpoint
     (dictionary) or endpoints (a list); home (its own namespace) and namespace (of the pods) where they are not the
     release's; ownNamespace: it names none, and looks in its own. */}}
{{- define "kps.monitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {{- include "stand-in.metadata" (dict "name" .name "namespace" (.home | default .root.Release.Namespace) "labels" .labels) | nindent 2 }}
spec:
  {{- with .jobLabel }}
  jobLabel: {{ . }}
  {{- end }}
  selector:
    matchLabels: {{- .selector | nindent 6 }}
  {{- if not .ownNamespace }}
  namespaceSelector:
    matchNames: [{{ .namespace | default .root.Release.Namespace }}]
  {{- end }}
  endpoints: {{- toYaml (.endpoints | default (list .endpoint)) | nindent 4 }}
{{- end -}}

{{/* Pods of one server apart from each other. Takes: spec, terms (list of label requirements). */}}
{{- define "kps.affinity" -}}
{{- $affinity := deepCopy .spec.affinity -}}
{{- $term := dict "topologyKey" .spec.podAntiAffinityTopologyKey "labelSelector" (dict "matchExpressions" .terms) -}}
{{- if eq .spec.podAntiAffinity "hard" -}}
{{- $_ := set $affinity "podAntiAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (list $term)) -}}
{{- else if eq .spec.podAntiAffinity "soft" -}}
{{- $_ := set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term))) -}}
{{- end -}}
{{- if $affinity }}
affinity: {{- toYaml $affinity | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What the operator makes of a server's custom resource: the Services need pods. Nothing where the operator runs.
     Takes: root, kind (prometheus, alertmanager), name (of the resource), spec, port, args, storage. */}}
{{- define "kps.serverPods" -}}
{{- if not (.root.Files.Get "operated") -}}
{{- $selector := dict "app.kubernetes.io/name" .kind "app.kubernetes.io/instance" .name .kind .name "operator.prometheus.io/name" .name -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .kind }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- toYaml $selector | nindent 4 }}
    mlplatform.dev/stand-in: "true"
spec:
  replicas: {{ .spec.replicas }}
  serviceName: {{ .kind }}-operated
  podManagementPolicy: Parallel
  selector:
    matchLabels: {{- toYaml $selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- toYaml $selector | nindent 8 }}
        {{- with .spec.podMetadata.labels }}{{ toYaml . | nindent 8 }}{{ end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .kind }}
        {{- with .spec.podMetadata.annotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ include "kps.fullname" .root }}-{{ .kind }}
      automountServiceAccountToken: {{ .spec.automountServiceAccountToken }}
      {{- include "stand-in.given" (pick .spec "nodeSelector" "tolerations" "topologySpreadConstraints" "priorityClassName" "securityContext" "initContainers") | nindent 6 }}
      {{- include "stand-in.given" (dict "imagePullSecrets" .root.Values.global.imagePullSecrets) | nindent 6 }}
      {{- .affinity | nindent 6 }}
      containers:
        - name: {{ .kind }}
          image: {{ include "kps.image" (dict "root" .root "image" .spec.image "tag" "") }}
          imagePullPolicy: {{ .spec.image.pullPolicy }}
          ports:
            - { name: {{ .spec.portName }}, containerPort: {{ .port | int }}, protocol: TCP }
          {{- with .spec.resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext: &confined { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
          volumeMounts:
            - { name: {{ .kind }}-{{ .name }}-db, mountPath: /{{ .kind }} }
            {{- with .spec.volumeMounts }}{{ toYaml . | nindent 12 }}{{ end }}
        - name: config-reloader
          {{- $reloader := .root.Values.prometheusOperator.prometheusConfigReloader }}
          image: {{ include "kps.image" (dict "root" .root "image" $reloader.image "tag" .root.Chart.AppVersion) }}
          ports:
            - { name: reloader-web, containerPort: 8080, protocol: TCP }
          {{- with $reloader.resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext: *confined
        {{- with .spec.containers }}{{ toYaml . | nindent 8 }}{{ end }}
      volumes:
        {{- if not .storage.volumeClaimTemplate }}
        - name: {{ .kind }}-{{ .name }}-db
          emptyDir: {{- .storage.emptyDir | default dict | toYaml | nindent 12 }}
        {{- end }}
        {{- range .spec.secrets }}
        - { name: secret-{{ . }}, secret: { secretName: {{ . }} } }
        {{- end }}
        {{- range .spec.configMaps }}
        - { name: configmap-{{ . }}, configMap: { name: {{ . }} } }
        {{- end }}
        {{- with .spec.volumes }}{{ toYaml . | nindent 8 }}{{ end }}
  {{- with .storage.volumeClaimTemplate }}
  volumeClaimTemplates:
    - metadata:
        name: {{ $.kind }}-{{ $.name }}-db
        {{- with .metadata }}{{ include "stand-in.given" (pick . "labels" "annotations") | nindent 8 }}{{ end }}
      spec: {{- toYaml .spec | nindent 8 }}
  {{- end }}
{{- end -}}
{{- end -}}
