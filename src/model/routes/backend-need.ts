import type { BackendUse } from './app-protocol.ts';

/** `use`: what is sent there. `policies`: whether BackendTLSPolicies apply, which they do unless clients encrypt all the way to the backend. */
export type BackendNeed = { readonly use: BackendUse; readonly policies: boolean };
