{{/* Where multipod lives. */}}
{{- define "multipod.namespace" -}}
{{- if .Values.namespace }}{{ .Values.namespace }}
{{- else if eq .Release.Namespace "default" }}multipod-system
{{- else }}{{ .Release.Namespace }}
{{- end }}
{{- end }}

{{- define "multipod.labels" -}}
app.kubernetes.io/name: multipod
app.kubernetes.io/part-of: multipod
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What Services, policies and spreads find the replicas by. It never changes: a Deployment could not be upgraded. */}}
{{- define "multipod.selector" -}}
app.kubernetes.io/name: multipod
app.kubernetes.io/component: webhook
{{- end }}

{{- define "multipod.image" -}}
{{- $image := .Values.image }}
{{- with $image.registry | default .Values.global.imageRegistry }}{{ . }}/{{ end }}
{{- $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}
{{- else }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "multipod.pullSecrets" -}}
{{- with concat .Values.image.pullSecrets (.Values.global.imagePullSecrets | default list) }}
imagePullSecrets:
{{- range . }}
  - {name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}}
{{- end }}
{{- end }}
{{- end }}

{{/* Namespaces whose pods multipod never sees, as a list in JSON. */}}
{{- define "multipod.excludedNamespaces" -}}
{{- prepend .Values.webhooks.excludedNamespaces (include "multipod.namespace" .) | uniq | toJson }}
{{- end }}

{{/* Unless the settings say otherwise, the containers of pods come from where the image of the replicas comes from, and
     those with a program of multipod have that very image. */}}
{{- define "multipod.settings" -}}
{{- $own := dict "excludedNamespaces" (include "multipod.excludedNamespaces" . | fromJsonArray) }}
{{- with .Values.global.imageRegistry }}{{ $_ := set $own "registry" . }}{{ end }}
{{- $image := include "multipod.image" . }}
{{- if not (or .Values.settings.registry (eq $image (printf "multipod/multipod:%s" .Chart.AppVersion))) }}
{{- $_ := set $own "image" $image }}
{{- end }}
{{- toYaml (merge (deepCopy .Values.settings) $own) }}
{{- end }}

{{- define "multipod.settingsConfigMap" -}}
{{- .Values.settingsConfigMap | default "multipod-settings" }}
{{- end }}

{{- define "multipod.policiesConfigMap" -}}
{{- .Values.policiesConfigMap | default "multipod-policies" }}
{{- end }}

{{/* What stands on every object that is not the one that Argo CD begins with: the webhooks come when the replicas are
     ready, and the guard after them; they go the other way round. */}}
{{- define "multipod.registrationAnnotations" -}}
argocd.argoproj.io/sync-wave: "1"
{{- if eq .Values.certificates.mode "certManager" }}
cert-manager.io/inject-ca-from: {{ include "multipod.namespace" . }}/multipod-serving
{{- end }}
{{- with .Values.webhooks.annotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The part of an entry that says whom the API server calls: a list of the root and the path. */}}
{{- define "multipod.clientConfig" -}}
{{- $root := index . 0 -}}
service: {name: multipod, namespace: {{ include "multipod.namespace" $root }}, path: {{ index . 1 }}, port: 443}
{{- $certificates := $root.Values.certificates }}
{{- if eq $certificates.mode "secret" }}
{{- $_ := required "certificates.caBundle is empty: give the authority of the Secret certificates.secretName with --set-file certificates.caBundle=ca.crt (multipod certs --out makes both), or leave certificates.mode as it is, and the replicas make their certificates themselves" $certificates.caBundle }}
{{- end }}
{{- if and $certificates.caBundle (ne $certificates.mode "certManager") }}
{{- $authority := $certificates.caBundle }}
caBundle: {{ if contains "-----BEGIN" $authority }}{{ b64enc $authority }}{{ else }}{{ $authority }}{{ end }}
{{- end }}
{{- end }}

{{- define "multipod.pods" -}}
- apiGroups: [""]
  apiVersions: [v1]
  operations: [CREATE]
  resources: [pods]
  scope: Namespaced
{{- end }}

{{- define "multipod.notExcluded" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ include "multipod.excludedNamespaces" . }}
{{- end }}

{{/* The parts of pods of hooks that they share: as careful as the replicas. */}}
{{- define "multipod.ofHooks" -}}
{{- with .Values.nodeSelector -}}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{ end }}
{{- with .Values.tolerations -}}
tolerations:
  {{- toYaml . | nindent 2 }}
{{ end }}
{{- with .Values.podSecurityContext -}}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "multipod.ofHookContainers" -}}
resources:
  requests: {cpu: 10m, memory: 32Mi}
  limits: {memory: 128Mi}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}
