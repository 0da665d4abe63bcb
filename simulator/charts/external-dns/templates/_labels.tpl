{{- define "external-dns.labels" -}}
{{ include "stand-in.labels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
