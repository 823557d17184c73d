import type { ObjectKey } from '../../lib/key.ts';

/** How far a request got in one Gateway, and what became of it. The JSON of `explain -o json`; documented in docs/cli.md. */
export type Explanation = {
  readonly target: string;
  /** One per Gateway that listens where the request goes; one in all when none does. */
  readonly paths: readonly Path[];
};

export type Path = {
  /** `namespace/name`; empty when no Gateway listens there. */
  readonly gateway: string;
  readonly outcome: 'forwarded' | 'redirected' | 'answered' | 'refused';
  /** HTTP status, where Envoy itself answers. */
  readonly status?: number;
  /** From the listener inwards. The last one says why, when it stops before endpoints. */
  readonly steps: readonly Step[];
  /** Routes that were tried first and did not match, and why not. */
  readonly passedOver: readonly { readonly route: string; readonly reason: string }[];
  /** From a tailnet only: what is wrong first on the way from the peer to the backend, and the next step. */
  readonly wrong?: Wrong;
};

/** `object` has it in its status. */
export type Wrong = { readonly reason?: string; readonly message: string; readonly object?: ObjectKey };

/** As people read it. */
export const wrongText = ({ reason, message }: Wrong): string => (reason === undefined ? message : `${reason}: ${message}`);

export type Step = {
  /**
   * `reach`, `health`, `tailnet`, `proxies` and `machine` are there for backends in tailnets; `peer`, `tailnet`, `service`, `proxies` and `certificate`
   * for what comes from a tailnet.
   */
  readonly at:
    | 'peer'
    | 'service'
    | 'certificate'
    | 'identity'
    | 'policy'
    | 'gateway'
    | 'listener'
    | 'host'
    | 'route'
    | 'filter'
    | 'backend'
    | 'reach'
    | 'health'
    | 'tailnet'
    | 'proxies'
    | 'machine'
    | 'endpoint';
  readonly name: string;
  readonly detail: string;
  readonly object?: ObjectKey;
};
