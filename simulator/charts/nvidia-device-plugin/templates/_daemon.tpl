{{- define "plugin.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end -}}

{{/* The ConfigMap of named configurations: the chart's own (`config.map`) or one that exists (`config.name`). */}}
{{- define "plugin.configMap" -}}
{{- .Values.config.name | default (ternary (printf "%s-configs" (include "stand-in.fullname" .)) "" (not (empty .Values.config.map))) -}}
{{- end -}}

{{/* The container that picks the configuration that a node's label asks for. Takes: root, name, process, keeps. */}}
{{- define "plugin.configManager" -}}
- name: {{ .name }}
  image: {{ include "plugin.image" .root }}
  command: [config-manager]
  env:
    - { name: ONESHOT, value: {{ not .keeps | quote }} }
    - { name: KUBECONFIG, value: "" }
    - { name: NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
    - { name: NODE_LABEL, value: nvidia.com/device-plugin.config }
    - { name: CONFIG_FILE_SRCDIR, value: /available-configs }
    - { name: CONFIG_FILE_DST, value: /config/config.yaml }
    - { name: DEFAULT_CONFIG, value: {{ .root.Values.config.default | quote }} }
    - { name: FALLBACK_STRATEGIES, value: {{ join "," .root.Values.config.fallbackStrategies | quote }} }
    - { name: SEND_SIGNAL, value: {{ .keeps | quote }} }
    - { name: SIGNAL, value: {{ ternary "1" "" .keeps | quote }} }
    - { name: PROCESS_TO_SIGNAL, value: {{ ternary .process "" .keeps | quote }} }
  volumeMounts:
    - { name: available-configs, mountPath: /available-configs }
    - { name: config, mountPath: /config }
{{- end -}}

{{/* The environment that says how devices are found and handed out. */}}
{{- define "plugin.environment" -}}
{{- $names := dict "migStrategy" "MIG_STRATEGY" "failOnInitError" "FAIL_ON_INIT_ERROR" "deviceDiscoveryStrategy" "DEVICE_DISCOVERY_STRATEGY" }}
{{- if .plugin }}
{{- $names = merge $names (dict "compatWithCPUManager" "PASS_DEVICE_SPECS" "deviceListStrategy" "DEVICE_LIST_STRATEGY" "deviceIDStrategy" "DEVICE_ID_STRATEGY" "nvidiaDriverRoot" "NVIDIA_DRIVER_ROOT") }}
{{- end }}
{{- range $value, $variable := $names }}
{{- $given := index $.root.Values $value }}
{{- if not (kindIs "invalid" $given) }}
- { name: {{ $variable }}, value: {{ $given | toString | quote }} }
{{- end }}
{{- end }}
{{- end -}}

{{/* What both daemons have of a pod. Takes: root. */}}
{{- define "plugin.pod" -}}
{{- $values := .root.Values }}
serviceAccountName: {{ include "stand-in.fullname" .root }}-service-account
{{ include "stand-in.given" (dict "priorityClassName" $values.priorityClassName "runtimeClassName" $values.runtimeClassName "imagePullSecrets" $values.imagePullSecrets "securityContext" $values.podSecurityContext "nodeSelector" $values.nodeSelector "affinity" $values.affinity "tolerations" $values.tolerations "shareProcessNamespace" (not (empty (include "plugin.configMap" .root)))) }}
{{- end -}}

{{/* MIG management needs SYS_ADMIN; upstream grants it unless the strategy is known to be "none". */}}
{{- define "plugin.security" -}}
{{- if .given }}
{{- toYaml .given }}
{{- else if .root.Values.compatWithCPUManager }}
privileged: true
{{- else if or (ne (.root.Values.migStrategy | default "none") "none") (and (not .root.Values.migStrategy) (include "plugin.configMap" .root)) }}
capabilities: { add: [SYS_ADMIN] }
{{- else }}
allowPrivilegeEscalation: false
capabilities: { drop: [ALL] }
{{- end }}
{{- end -}}
