{{- define "eg.selector" -}}
control-plane: envoy-gateway
{{ include "stand-in.selector" . }}
{{- end -}}

{{- define "eg.labels" -}}
{{ include "stand-in.origin" . }}
{{ include "eg.selector" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "eg.image" -}}
{{- $own := .Values.deployment.envoyGateway.image -}}
{{- ternary .Values.global.images.envoyGateway.image (printf "%s:%s" $own.repository ($own.tag | default .Chart.AppVersion)) (empty $own.repository) -}}
{{- end -}}
