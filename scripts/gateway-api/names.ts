/**
 * What the type at a path is called: the standard's own word for it. The first pattern that fits `Kind.field.field` wins; `{Kind}` stands
 * for the kind, `{Family}` for the kind without "Route". What no pattern fits is called by its kind and path.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/^(GatewayClass|Gateway|ListenerSet|ReferenceGrant|BackendTLSPolicy|\w+Route)\.(spec)$/, '{Kind}Spec'],
  [/^(TLS|TCP|UDP|GRPC|HTTP)Route\.status$/, 'RouteStatus'],
  [/^BackendTLSPolicy\.status$/, 'PolicyStatus'],
  [/^\w+\.status$/, '{Kind}Status'],
  [/\.status\.parents$/, 'RouteParentStatus'],
  [/\.status\.ancestors$/, 'PolicyAncestorStatus'],
  [/\.conditions$/, 'Condition'],
  [/^ListenerSet\.spec\.parentRef$/, 'ParentGatewayReference'],
  [/\.(parentRef|parentRefs|ancestorRef)$/, 'ParentReference'],
  [/^GatewayClass\.spec\.parametersRef$/, 'ParametersReference'],
  [/\.infrastructure$/, 'GatewayInfrastructure'],
  [/\.infrastructure\.parametersRef$/, 'LocalParametersReference'],
  [/\.supportedFeatures$/, 'SupportedFeature'],
  [/\.(kinds|supportedKinds)$/, 'RouteGroupKind'],
  [/\.allowedRoutes$/, 'AllowedRoutes'],
  [/\.allowedRoutes\.namespaces$/, 'RouteNamespaces'],
  [/\.allowedListeners$/, 'AllowedListeners'],
  [/\.allowedListeners\.namespaces$/, 'ListenerNamespaces'],
  [/\.selector$/, 'LabelSelector'],
  [/\.matchExpressions$/, 'LabelSelectorRequirement'],
  [/^Gateway\.spec\.addresses$/, 'GatewaySpecAddress'],
  [/^Gateway\.status\.addresses$/, 'GatewayStatusAddress'],
  [/^Gateway\.spec\.listeners$/, 'Listener'],
  [/^Gateway\.status\.listeners$/, 'ListenerStatus'],
  [/^ListenerSet\.spec\.listeners$/, 'ListenerEntry'],
  [/^ListenerSet\.status\.listeners$/, 'ListenerEntryStatus'],
  [/\.listeners\.tls$/, 'ListenerTLSConfig'],
  [/^Gateway\.spec\.tls$/, 'GatewayTLSConfig'],
  [/^Gateway\.spec\.tls\.backend$/, 'GatewayBackendTLS'],
  [/^Gateway\.spec\.tls\.frontend$/, 'FrontendTLSConfig'],
  [/\.frontend\.(default|perPort\.tls)$/, 'TLSConfig'],
  [/\.frontend\.perPort$/, 'TLSPortConfig'],
  [/\.frontend\..*\.validation$/, 'FrontendTLSValidation'],
  [/\.frontend\..*\.caCertificateRefs$/, 'ObjectReference'],
  [/\.(certificateRefs|clientCertificateRef)$/, 'SecretObjectReference'],
  [/^BackendTLSPolicy\.spec\.targetRefs$/, 'LocalPolicyTargetReferenceWithSectionName'],
  [/^BackendTLSPolicy\.spec\.validation$/, 'BackendTLSPolicyValidation'],
  [/^BackendTLSPolicy.*\.caCertificateRefs$/, 'LocalObjectReference'],
  [/\.subjectAltNames$/, 'SubjectAltName'],
  [/^ReferenceGrant\.spec\.from$/, 'ReferenceGrantFrom'],
  [/^ReferenceGrant\.spec\.to$/, 'ReferenceGrantTo'],
  [/^\w+Route\.spec\.rules$/, '{Kind}Rule'],
  [/\.rules\.matches$/, '{Kind}Match'],
  [/\.matches\.path$/, 'HTTPPathMatch'],
  [/\.matches\.method$/, 'GRPCMethodMatch'],
  [/\.matches\.headers$/, '{Family}HeaderMatch'],
  [/\.matches\.queryParams$/, 'HTTPQueryParamMatch'],
  [/\.filters$/, '{Kind}Filter'],
  [/^(HTTP|GRPC)Route\.spec\.rules\.backendRefs$/, '{Family}BackendRef'],
  [/\.rules\.backendRefs$/, 'BackendRef'],
  [/\.backendRef$/, 'BackendObjectReference'],
  [/\.(requestHeaderModifier|responseHeaderModifier)$/, 'HTTPHeaderFilter'],
  [/HeaderModifier\.(set|add)$/, 'HTTPHeader'],
  [/\.requestMirror$/, 'HTTPRequestMirrorFilter'],
  [/\.fraction$/, 'Fraction'],
  [/\.requestRedirect$/, 'HTTPRequestRedirectFilter'],
  [/\.urlRewrite$/, 'HTTPURLRewriteFilter'],
  [/\.(requestRedirect|urlRewrite)\.path$/, 'HTTPPathModifier'],
  [/\.extensionRef$/, 'LocalObjectReference'],
  [/\.cors$/, 'HTTPCORSFilter'],
  [/\.externalAuth$/, 'HTTPExternalAuthFilter'],
  [/\.externalAuth\.grpc$/, 'GRPCAuthConfig'],
  [/\.externalAuth\.http$/, 'HTTPAuthConfig'],
  [/\.forwardBody$/, 'ForwardBodyConfig'],
  [/\.timeouts$/, 'HTTPRouteTimeouts'],
  [/\.retry$/, 'HTTPRouteRetry'],
  [/\.sessionPersistence$/, 'SessionPersistence'],
  [/\.cookieConfig$/, 'CookieConfig'],
];

/** Name for the object type at `path` (field names from the kind's root; list items and map values add nothing). */
export const typeNameOf = (kind: string, path: readonly string[]): string => {
  const at = [kind, ...path].join('.');
  const found = patterns.find(([pattern]) => pattern.test(at));
  const template = found?.[1] ?? `{Kind}${path.map(capitalised).join('')}`;
  return template.replace('{Kind}', kind).replace('{Family}', kind.replace(/Route$/, ''));
};

const capitalised = (field: string): string => field.charAt(0).toUpperCase() + field.slice(1);
