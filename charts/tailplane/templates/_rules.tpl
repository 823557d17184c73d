{{/* Who may do what, by function. Each list holds exactly the verbs that tailplane uses. */}}

{{/* Reads configuration that has no namespace. */}}
{{- define "tailplane.rules.readCluster" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gatewayclasses]
  verbs: [get, list, watch]
- apiGroups: [gateway.tailscale.com]
  resources: [tailscaletailnets]
  verbs: [get, list, watch]
- apiGroups: ['']
  resources: [namespaces, nodes]
  verbs: [get, list, watch]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [get, list, watch]
{{- end }}

{{/* Reads configuration. */}}
{{- define "tailplane.rules.read" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources:
    - gateways
    - listenersets
    - httproutes
    - grpcroutes
    - tlsroutes
    - tcproutes
    - udproutes
    - referencegrants
    - backendtlspolicies
  verbs: [get, list, watch]
- apiGroups: [gateway.tailscale.com]
  resources:
    - gatewayparameters
    - tailscaleendpoints
    - tailscaleservices
    - tailscalegateways
    - tailscaleroutepolicies
    - tailscaleproxygroups
  verbs: [get, list, watch]
- apiGroups: ['']
  resources: [services, secrets, configmaps]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- end }}

{{/* Says what became of classes and tailnets. */}}
{{- define "tailplane.rules.statusCluster" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gatewayclasses/status]
  verbs: [patch]
- apiGroups: [gateway.tailscale.com]
  resources: [tailscaletailnets/status]
  verbs: [patch]
{{- end }}

{{/* Says what became of configuration. */}}
{{- define "tailplane.rules.status" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources:
    - gateways/status
    - listenersets/status
    - httproutes/status
    - grpcroutes/status
    - tlsroutes/status
    - tcproutes/status
    - udproutes/status
    - backendtlspolicies/status
  verbs: [patch]
- apiGroups: [gateway.tailscale.com]
  resources:
    - tailscaleendpoints/status
    - tailscaleservices/status
    - tailscalegateways/status
    - tailscaleproxygroups/status
    - tailscaleroutepolicies/status
  verbs: [patch]
{{- end }}

{{/* Tells of transitions beside the objects; of those without a namespace, in `default`. */}}
{{- define "tailplane.rules.events" -}}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* Runs the Envoys of Gateways. */}}
{{- define "tailplane.rules.provision" -}}
- apiGroups: [apps]
  resources: [deployments]
  verbs: &manage [get, list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [services, serviceaccounts, configmaps, secrets]
  verbs: *manage
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: *manage
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: *manage
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: *manage
# For `blockOwnerDeletion` in their owner references, where the cluster enforces permissions of those.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways/finalizers]
  verbs: [update]
{{- end }}

{{/* Runs proxies into tailnets, and makes what templates of TailscaleServices ask for. */}}
{{- define "tailplane.rules.proxies" -}}
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: &manage [get, list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [services, serviceaccounts, configmaps]
  verbs: *manage
# `update`, and core Events, only because nobody may give proxies what he has not.
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: ['']
  resources: [events]
  verbs: [create, get, patch]
# `patch` for an annotation, on which kubelets look at the files of ingress proxies at once.
- apiGroups: ['']
  resources: [pods]
  verbs: [get, list, watch, patch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: *manage
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: *manage
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: *manage
- apiGroups: [gateway.tailscale.com]
  resources: [tailscaleendpoints]
  verbs: [create, patch, delete]
- apiGroups: [gateway.tailscale.com]
  resources: [tailscaleproxygroups, tailscalegateways]
  verbs: [patch]
- apiGroups: [gateway.tailscale.com]
  resources: [tailscaleendpoints/finalizers, tailscalegateways/finalizers, tailscaleproxygroups/finalizers, tailscaleservices/finalizers]
  verbs: [update]
{{- end }}

{{/* Gives Envoys that others run what they show xDS. */}}
{{- define "tailplane.rules.credentials" -}}
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways/finalizers]
  verbs: [update]
{{- end }}

{{/* In the own namespace: the Lease, the CA of xDS, and what replicas tell each other. */}}
{{- define "tailplane.rules.own" -}}
# Names cannot be a condition of creation.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "tailplane.fullname" . }}]
  verbs: [get, update]
- apiGroups: ['']
  resources: [secrets]
  verbs: [create]
- apiGroups: ['']
  resources: [secrets]
  resourceNames: [tailplane-xds-ca]
  verbs: [get, list, watch, update]
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
# Tokens for tailnets with workload identity.
- apiGroups: ['']
  resources: [serviceaccounts/token]
  resourceNames: [{{ include "tailplane.serviceAccountName" . }}]
  verbs: [create]
{{- end }}
