{{- define "sessionlog.name" -}}
{{- if contains "sessionlog" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "sessionlog.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "sessionlog.labels" -}}
{{ include "sessionlog.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- /* The configuration of a component, with the certificates where there are any. */ -}}
{{- define "sessionlog.config" -}}
{{- $config := deepCopy .config }}
{{- if .root.Values.tls.secret }}
{{- $files := dict "cert_file" "/tls/tls.crt" "key_file" "/tls/tls.key" }}
{{- if eq .component "gateway" }}
{{- $tls := merge (dict "client_ca_file" "/tls/ca.crt") $files }}
{{- range $protocol, $_ := $config.receivers.otlp.protocols }}{{ $_ := set (get $config.receivers.otlp.protocols $protocol) "tls" $tls }}{{ end }}
{{- else }}
{{- $_ := set (get $config.exporters "otlp_grpc/gateways") "tls" (merge (dict "ca_file" "/tls/ca.crt") $files) }}
{{- end }}
{{- else if eq .component "agent" }}
{{- $_ := set (get $config.exporters "otlp_grpc/gateways") "tls" (dict "insecure" true) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- define "sessionlog.container" -}}
image: {{ printf "%s:%s" .root.Values.image.repository (.root.Values.image.tag | default .root.Chart.AppVersion) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [--config, /config/config.yaml]
{{- with .values.secret }}
envFrom: [{secretRef: {name: {{ . | quote }}}}]
{{- end }}
ports:
  - {name: metrics, containerPort: 8888}
  - {name: ready, containerPort: 13133}
  - {name: live, containerPort: 13134}
{{- if eq .component "gateway" }}
  - {name: otlp-grpc, containerPort: 4317}
  - {name: otlp-http, containerPort: 4318}
{{- end }}
startupProbe: {httpGet: {path: /live, port: live}, periodSeconds: 2, failureThreshold: 60}
livenessProbe: {httpGet: {path: /live, port: live}, periodSeconds: 10, failureThreshold: 3}
readinessProbe: {httpGet: {path: /ready, port: ready}, periodSeconds: 5}
resources: {{- toYaml .values.resources | nindent 2 }}
{{- end }}
