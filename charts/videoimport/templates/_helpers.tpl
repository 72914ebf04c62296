{{- define "videoimport.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride }}
{{- else }}{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}

{{- define "videoimport.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "videoimport.labels" -}}
{{ include "videoimport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "videoimport.serviceAccount" -}}
{{ default (include "videoimport.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "videoimport.image" -}}
{{ printf "%s:%s" .image.repository (default .version .image.tag) }}
{{- end }}

{{- define "videoimport.rules" -}}
- apiGroups: [videoimport.io]
  resources: [videoimports]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [videoimport.io]
  resources: [bulkimports]
  verbs: [get, list, watch]
- apiGroups: [videoimport.io]
  resources: [videoimports/status, bulkimports/status]
  verbs: [update]
- apiGroups: [videoimport.io] # owner references that block deletion, where the cluster enforces the right to set them
  resources: [videoimports/finalizers, bulkimports/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""] # progress
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""] # the ledger of results
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""] # scratch that outlives pods (worker.scratch.storageClassName); patch: gives back our labels
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""] # read: why a Job has no pod; write: what a person would want to know
  resources: [events]
  verbs: [list, create]
{{- end }}
