{{/*
cert-manager is three programs: the controller (named after the chart), the webhook and the CA injector.
Each part is a dictionary: root, name (last piece of the object names), component, values.
*/}}
{{- define "part.fullname" -}}
{{- $chart := include "stand-in.fullname" .root -}}
{{- ternary $chart (printf "%s-%s" $chart .name) (eq .component "controller") -}}
{{- end -}}

{{- define "part.selector" -}}
app.kubernetes.io/name: {{ ternary (include "stand-in.name" .root) .name (eq .component "controller") }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "part.labels" -}}
app: {{ ternary (include "stand-in.name" .root) .name (eq .component "controller") }}
{{ include "part.selector" . }}
{{ include "stand-in.origin" .root }}
{{- with .root.Values.global.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "part.image" -}}
{{- $values := .root.Values -}}
{{- .image.repository | default (printf "%s/%s/%s" $values.imageRegistry $values.imageNamespace .image.name) }}:{{ .image.tag | default .root.Chart.AppVersion -}}
{{- end -}}

{{/* A Deployment. Takes, in addition to the part: container, args (YAML), ports (YAML), more (YAML of the container). */}}
{{- define "part.deployment" -}}
{{- $global := .root.Values.global -}}
apiVersion: apps/v1
kind: Deployment
metadata: {{- include "stand-in.metadata" (dict "name" (include "part.fullname" .) "namespace" .root.Release.Namespace "labels" (include "part.labels" .)) | nindent 2 }}
spec:
  replicas: {{ .values.replicaCount }}
  {{- with .values.strategy }}
  strategy: {{- toYaml . | nindent 4 }}
  {{- end }}
  selector:
    matchLabels: {{- include "part.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "part.labels" . | nindent 8 }}
        {{- with .values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ include "part.fullname" . }}
      enableServiceLinks: false
      {{- include "stand-in.given" (dict "priorityClassName" $global.priorityClassName "imagePullSecrets" $global.imagePullSecrets "securityContext" .values.securityContext "nodeSelector" .values.nodeSelector "affinity" .values.affinity "tolerations" .values.tolerations "topologySpreadConstraints" .values.topologySpreadConstraints) | nindent 6 }}
      containers:
        - name: cert-manager-{{ .component }}
          image: {{ include "part.image" (dict "root" .root "image" .values.image) }}
          imagePullPolicy: {{ .values.image.pullPolicy }}
          args:
            - --v={{ $global.logLevel }}
            {{- if .values.config }}
            - --config=/var/cert-manager/config/config.yaml
            {{- end }}
            {{- .args | nindent 12 }}
            {{- with .values.extraArgs }}{{ toYaml . | nindent 12 }}{{ end }}
          env:
            - { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
            {{- with .values.extraEnv }}{{ toYaml . | nindent 12 }}{{ end }}
          {{- with .ports }}
          ports: {{- . | nindent 12 }}
          {{- end }}
          {{- with .more }}{{ . | nindent 10 }}{{ end }}
          {{- with .values.containerSecurityContext }}
          securityContext: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .values.resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- if .values.config }}
          volumeMounts:
            - { name: config, mountPath: /var/cert-manager/config }
          {{- end }}
      {{- if .values.config }}
      volumes:
        - name: config
          configMap: { name: {{ include "part.fullname" . }} }
      {{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{- include "stand-in.metadata" (dict "name" (include "part.fullname" .) "namespace" .root.Release.Namespace "labels" (include "part.labels" .)) | nindent 2 }}
automountServiceAccountToken: {{ .root.Values.serviceAccount.automountServiceAccountToken }}
{{- if .values.config }}
---
apiVersion: v1
kind: ConfigMap
metadata: {{- include "stand-in.metadata" (dict "name" (include "part.fullname" .) "namespace" .root.Release.Namespace "labels" (include "part.labels" .)) | nindent 2 }}
data:
  config.yaml: {{ merge (dict) .values.config (dict "apiVersion" (printf "%s.config.cert-manager.io/v1alpha1" .component) "kind" (printf "%sConfiguration" (ternary "CAInjector" (title .component) (eq .component "cainjector")))) | toYaml | quote }}
{{- end }}
{{- if .values.podDisruptionBudget.enabled }}
---
{{ include "stand-in.budget" (dict "name" (include "part.fullname" .) "namespace" .root.Release.Namespace "labels" (include "part.labels" .) "selector" (include "part.selector" .) "budget" .values.podDisruptionBudget) }}
{{- end }}
{{- end -}}

{{/* The Service of one part. Takes, in addition to the part: ports (YAML). */}}
{{- define "part.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "part.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "part.labels" . | nindent 4 }}
  annotations: {{- include "stand-in.unawaited" $ | nindent 4 }}
spec:
  type: ClusterIP
  selector: {{- include "part.selector" . | nindent 4 }}
  ports: {{- .ports | nindent 4 }}
{{- end -}}

{{- define "part.leaderElection" -}}
{{- with .Values.global.leaderElection -}}
- --leader-election-namespace={{ .namespace }}
{{- range $flag, $key := dict "lease-duration" "leaseDuration" "renew-deadline" "renewDeadline" "retry-period" "retryPeriod" }}
{{- with index $.Values.global.leaderElection $key }}
- --leader-election-{{ $flag }}={{ . }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}
