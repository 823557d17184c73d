/** What depends on where the Envoys run, rather than on what users wrote. */
export type TranslateOptions = {
  /**
   * Bound where a Gateway names no address. IPv4 only by default: an Envoy refuses a whole listener whose IPv6 address the host lacks.
   * `['0.0.0.0', '::']` serves both families.
   */
  readonly bindAddresses: readonly [string, ...string[]];
  /** PEM bundle of the system's CAs as Envoy's own file system names it, for BackendTLSPolicy `wellKnownCACertificates: System`. */
  readonly systemCaFile: string;
  /** One line per request, in Envoy's default format, on each Envoy's standard output. */
  readonly accessLog: boolean;
};

export const defaultOptions: TranslateOptions = {
  bindAddresses: ['0.0.0.0'],
  systemCaFile: '/etc/ssl/certs/ca-certificates.crt',
  accessLog: false,
};
