{{- define "nfs.labels" -}}
{{ include "stand-in.labels" . }}
{{- with .Values.customLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A container of an image. Takes: root, name, image (a value's name), args. */}}
{{- define "nfs.container" -}}
{{- $image := index .root.Values.image .image }}
- name: {{ .name }}
  image: {{ ternary (printf "%s%s" .root.Values.image.baseRepo $image.repository) $image.repository (hasPrefix "/" $image.repository) }}:{{ $image.tag }}
  imagePullPolicy: {{ $image.pullPolicy }}
  args: {{- toYaml .args | nindent 4 }}
  volumeMounts:
    - { name: socket-dir, mountPath: /csi }
{{- end -}}

{{- define "nfs.livenessProbe" -}}
- name: liveness-probe
  image: {{ .Values.image.baseRepo }}/sig-storage/livenessprobe:v2.19.0
  args: [--csi-address=/csi/csi.sock, --probe-timeout=3s]
  volumeMounts:
    - { name: socket-dir, mountPath: /csi }
{{- end -}}

{{- define "nfs.driverArgs" -}}
- --nodeid=$(NODE_ID)
- --endpoint=unix:///csi/csi.sock
- --drivername={{ .Values.driver.name }}
- --mount-permissions={{ .Values.driver.mountPermissions }}
{{- end -}}

{{/* What both pods have. Takes: root, values. */}}
{{- define "nfs.pod" -}}
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
securityContext: { seccompProfile: { type: RuntimeDefault } }
{{ include "stand-in.given" (pick .values "affinity" "priorityClassName" "tolerations") }}
nodeSelector: {{- merge (dict "kubernetes.io/os" "linux") .values.nodeSelector | toYaml | nindent 2 }}
{{- end -}}
