import { TailscaleApiError } from '../../tailscale/api-error.ts';
import type { Access, Trouble } from './access.ts';

/** What is asked, as users know it: machines, services. `scope` is the right it takes. */
export type Topic = { readonly what: string; readonly scope: string };

/** What an error means for a tailnet: what failed, and what helps. Holds no secret, as errors of the API hold none. */
export const troubleFrom = (error: unknown, { what, scope }: Topic, { apiURL, tailnet, secret }: Access): Trouble => {
  if (!(error instanceof TailscaleApiError)) return { kind: 'unreachable', message: `${apiURL}: ${textOf(error)}` };
  const said = `${error.status === 0 ? '' : `${error.status}, `}${error.said}`;
  switch (error.kind) {
    case 'credentials':
      // Not even tried: the API need not be asked to know.
      if (error.status === 0)
        return { kind: 'credentials', message: `the credentials in Secret "${secret}" cannot be used: ${error.said}` };
      return {
        kind: 'credentials',
        message: `${apiURL} does not take the credentials in Secret "${secret}" (${said}): they are wrong or revoked, put those of an OAuth client there that is valid`,
      };
    case 'scopes':
      return {
        kind: 'scopes',
        message: `the credentials in Secret "${secret}" may not read ${what} (${said}): give their OAuth client the scope ${scope}`,
      };
    case 'not-found':
      return {
        kind: 'refused',
        message: `${apiURL} knows no tailnet "${tailnet}" (${said}): name the one that the credentials in Secret "${secret}" belong to, or "-"`,
      };
    case 'rate-limited':
      return { kind: 'refused', message: `${apiURL} wants to be asked later (${said}); it will be` };
    case 'unreachable':
      return { kind: 'unreachable', message: `${apiURL} gives no answer (${said})` };
    case 'server':
      return { kind: 'refused', message: `${apiURL} fails to tell of ${what} (${said}); it will be asked again` };
    case 'billing':
    case 'conflict':
    case 'invalid':
      return { kind: 'refused', message: `${apiURL} refuses to tell of ${what} (${said})` };
  }
};

/** Milliseconds for which the API wants to be left alone, an hour at most. */
export const askedMs = (error: unknown): number =>
  Math.min((error instanceof TailscaleApiError ? error.retryAfterMs : undefined) ?? 0, 3_600_000);

const textOf = (error: unknown): string => (error instanceof Error ? error.message : 'it gives no answer');
