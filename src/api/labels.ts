/** On Secrets of proxies: what each is for. */
export const proxySecretLabel = 'gateway.tailscale.com/proxy-secret';

/** Value of `proxySecretLabel` on Secrets in which proxies leave certificates of MagicDNS names. */
export const certificateSecret = 'certificate';
