{{/* Name of everything in this release: `tailplane` where the release is called so. */}}
{{- define "tailplane.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "tailplane.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tailplane.labels" -}}
{{ include "tailplane.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: control-plane
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "tailplane.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "tailplane.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must say which one to use when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "tailplane.subjects" -}}
- kind: ServiceAccount
  name: {{ include "tailplane.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* A role and its binding. Takes `root`, `name`, `rules` (YAML), and `namespace` where it counts in one only. */}}
{{- define "tailplane.role" -}}
{{- $kind := ternary "Role" "ClusterRole" (hasKey . "namespace") -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "tailplane.labels" .root | nindent 4 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "tailplane.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  {{- include "tailplane.subjects" .root | nindent 2 }}
{{- end }}

{{/* The same rules in the whole cluster, or in each watched namespace. Takes `root`, `name`, `rules`. */}}
{{- define "tailplane.roles" -}}
{{- $role := . -}}
{{- range .root.Values.watchNamespaces }}
---
{{ include "tailplane.role" (merge (dict "namespace" .) $role) }}
{{- else }}
---
{{ include "tailplane.role" . }}
{{- end }}
{{- end }}
