/** What users are told about a service that is not as wanted: what is wrong, and what helps. */
import type { Verdict } from '../../src/model/route-node.ts';
import type { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import type { Wish } from './decide.ts';

const label = (name: string): string => name.replace(/^svc:/, '');

/** What the API would refuse anyway; undefined for a name that can be one. */
export const nameProblem = (name: string): Verdict | undefined =>
  /^svc:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
    ? undefined
    : {
        reason: 'InvalidName',
        message: `${JSON.stringify(name.slice(0, 80))} is no name for a Tailscale Service, which is "svc:" and one DNS label: at most 63 lower-case letters, digits and hyphens, no hyphen first or last. Use another name`,
      };

export const nameTaken = (name: string, machine: string): Verdict => ({
  reason: 'NameTaken',
  message: `${name} cannot be made: ${machine} has that name in the tailnet. Rename one of the two`,
});

export const notReady = (tailnet: string): Verdict => ({
  reason: 'TailnetNotReady',
  message: `TailscaleTailnet ${tailnet} cannot be asked yet: its status says why`,
});

/** What an error means for a service. Holds no secret, as errors of the API hold none. */
export const verdictOn = (error: TailscaleApiError, { name, tags }: Pick<Wish, 'name' | 'tags'>, tailnet: string): Verdict => {
  const said = error.told;
  const of = `TailscaleTailnet ${tailnet}`;
  if (error.isAboutTags)
    return {
      reason: 'TagsNotOwned',
      message: `The credentials of ${of} may not give ${name} the tags ${tags.join(', ')}: ${said}. Give its OAuth client these tags, or let one of its tags own them in the tailnet's policy file: "tagOwners": {${tags.map((tag) => `${JSON.stringify(tag)}: ["tag of the OAuth client"]`).join(', ')}}`,
    };
  // There is no other hint than the words.
  if (error.status === 400 && /\b(machine|device|node)\b/i.test(said)) return nameTaken(name, `a machine (${said})`);
  switch (error.kind) {
    case 'credentials':
      return {
        reason: 'CredentialsRefused',
        message: `The tailnet refuses the credentials of ${of}: ${said}. Put valid ones into its Secret`,
      };
    case 'scopes':
      return {
        reason: 'MissingScopes',
        message: `The credentials of ${of} lack a right for ${name}: ${said}. Give its OAuth client the scopes services and devices:core, to write`,
      };
    case 'billing':
      return { reason: 'Billing', message: `The plan of ${of} does not allow ${name}: ${said}. Remove services, or change the plan` };
    case 'rate-limited':
    case 'server':
    case 'unreachable':
      return { reason: 'ApiUnreachable', message: `The API of ${of} does not do what ${name} needs now: ${said}. It is tried again` };
    case 'not-found':
    case 'conflict':
    case 'invalid':
      return {
        reason: 'ApiRefused',
        message: `The API of ${of} refuses ${error.call} of ${name}: ${said}. It is tried again; if ${label(name)} can never be, use another name`,
      };
  }
};
