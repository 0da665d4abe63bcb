{{- define "kserve.selector" -}}
control-plane: kserve-controller-manager
controller-tools.k8s.io: "1.0"
{{- end -}}

{{- define "kserve.labels" -}}
{{ include "stand-in.origin" . }}
app.kubernetes.io/component: kserve
app.kubernetes.io/name: kserve
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of its Services: without the release. */}}
{{- define "kserve.serviceLabels" -}}
{{ include "stand-in.origin" . }}
app.kubernetes.io/component: kserve
app.kubernetes.io/name: kserve
{{- end -}}

{{/* `image:tag` of one of KServe's own images. Takes: root, image, tag. */}}
{{- define "kserve.image" -}}
{{ .image }}:{{ .tag | default .root.Values.kserve.version }}
{{- end -}}

{{/* Upstream's tri-state switches: empty follows the shared resources, which are always made. */}}
{{- define "kserve.wanted" -}}
{{- if ne (toString .) "false" }}yes{{ end }}
{{- end -}}
