import { X509Certificate } from 'node:crypto';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { type Authority, authorityFrom, type AuthorityTimes, firstAuthority, nextStepAt, stepOf } from './authority.ts';
import type { KeyPair } from './certificate.ts';
import { caSecretName, dataOf, isOurs } from './secret.ts';

/** What to do about the Secret. `current` is what holds meanwhile, if anything can be issued by it. */
export type Decision =
  | { readonly do: 'use'; readonly current: Authority; readonly until: number }
  | { readonly do: 'write'; readonly current: Authority | undefined; readonly authority: Authority; readonly because: string }
  | { readonly do: 'report'; readonly problem: string };

/**
 * What the Secret, as it stands, asks for. None: a new CA, which is also how to get rid of one that was stolen: delete the Secret. Ours, but
 * unreadable: a new CA too. Not labelled as ours: nothing is written, nothing is issued.
 */
export const decide = (secret: KubeObject | undefined, now: number, times: AuthorityTimes, newCa: () => KeyPair): Decision => {
  if (secret === undefined)
    return { do: 'write', current: undefined, authority: firstAuthority(newCa(), '', now), because: 'there is no CA of xDS yet' };
  if (!isOurs(secret))
    return {
      do: 'report',
      problem: `Secret ${caSecretName} is not labelled as tailplane's: it is left as it is, and no certificates are issued`,
    };
  const held = authorityFrom(dataOf(secret));
  if (!held.ok) return { do: 'write', current: undefined, authority: firstAuthority(newCa(), '', now), because: held.problem };
  const step = stepOf(held.value, now, times, newCa);
  if (step === undefined) return { do: 'use', current: held.value, until: nextStepAt(held.value, times) };
  const isUsable = new X509Certificate(held.value.signing.certificate).validToDate.getTime() > now;
  return { do: 'write', current: isUsable ? held.value : undefined, authority: step, because: becauseOf(held.value, step) };
};

const becauseOf = (before: Authority, after: Authority): string => {
  if (after.next !== before.next) return after.next === undefined ? 'the successor of the CA signs from now on' : 'the CA gets a successor';
  return after.signing === before.signing ? 'a CA has expired' : 'the CA has expired without a successor';
};
