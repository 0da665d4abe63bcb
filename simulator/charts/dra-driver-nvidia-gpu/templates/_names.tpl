{{- define "dra.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end -}}

{{/* Upstream selects pods by one label, named after the chart. Takes: root, part. */}}
{{- define "dra.selector" -}}
{{ include "stand-in.name" .root }}-component: {{ .part }}
{{- end -}}

{{- define "dra.account" -}}
{{ include "stand-in.fullname" . }}-service-account-{{ "kubeletplugin" }}
{{- end -}}
