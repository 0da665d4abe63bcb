{{/* The pod-level fields and the container's head that master, worker and collector share. Takes: root, role, values. */}}
{{- define "nfd.metadata" -}}
name: {{ include "stand-in.fullname" .root }}-{{ .role }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "stand-in.labels" .root | nindent 2 }}
  role: {{ .role }}
{{- end -}}

{{- define "nfd.selector" -}}
{{ include "stand-in.selector" .root }}
role: {{ .role }}
{{- end -}}

{{- define "nfd.podMetadata" -}}
labels:
  {{- include "nfd.selector" . | nindent 2 }}
  {{- with .values.labels }}{{ toYaml . | nindent 2 }}{{ end }}
{{- with .values.annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "nfd.account" -}}
{{- $name := ternary (include "stand-in.fullname" .root) (printf "%s-%s" (include "stand-in.fullname" .root) .role) (eq .role "master") -}}
{{- ternary $name "default" .values.serviceAccount.create -}}
{{- end -}}

{{- define "nfd.pod" -}}
serviceAccountName: {{ include "nfd.account" . }}
enableServiceLinks: false
dnsPolicy: ClusterFirstWithHostNet
{{ include "stand-in.given" (dict "imagePullSecrets" .root.Values.imagePullSecrets "priorityClassName" (.values.priorityClassName | default .root.Values.priorityClassName) "nodeSelector" .values.nodeSelector "tolerations" .values.tolerations "affinity" .values.affinity) }}
{{- end -}}

{{- define "nfd.container" -}}
image: {{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [nfd-{{ .role }}]
env:
  - { name: NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
  {{- if eq .role "worker" }}
  - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
  - { name: POD_UID, valueFrom: { fieldRef: { fieldPath: metadata.uid } } }
  {{- end }}
ports:
  - { name: http, containerPort: 8080 }
livenessProbe: { httpGet: { path: /healthz, port: http }, initialDelaySeconds: 10 }
readinessProbe: { httpGet: { path: /healthz, port: http }, initialDelaySeconds: 5, failureThreshold: 10 }
{{- with .values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- .values.securityContext | default (dict "allowPrivilegeEscalation" false "capabilities" (dict "drop" (list "ALL")) "readOnlyRootFilesystem" true "runAsNonRoot" true) | toYaml | nindent 2 }}
{{- end -}}

{{- define "nfd.gates" -}}
{{- range $gate, $on := .Values.featureGates }}
- -feature-gates={{ $gate }}={{ $on }}
{{- end }}
{{- end -}}
