/**
 * What a status has room for, by the CRDs of the Gateway API v1.6; the API server refuses more. What is left out first is for whoever makes a list to
 * say, and the writer of statuses cuts off what is still too long. Texts in UTF-16 code units.
 */
export const statusLimits = {
  conditions: 8,
  message: 32_768,
  listeners: 64,
  supportedFeatures: 64,
  addresses: 16,
  parents: 32,
  ancestors: 16,
} as const;
