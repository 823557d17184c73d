/** On Secrets of proxies: what each is for. */
export const proxySecretLabel = 'gateway.tailscale.com/proxy-secret';

/** Value of `proxySecretLabel` on Secrets in which proxies leave certificates of MagicDNS names. */
export const certificateSecret = 'certificate';

/** On a Tailscale Service: clusters that use it, as tailplanes keep it. */
export const registryAnnotation = 'gateway.tailscale.com/service-registry';

/** On a Tailscale Service: operators that own it, as Tailscale's own operator writes it. */
export const ownerReferencesAnnotation = 'tailscale.com/owner-references';
