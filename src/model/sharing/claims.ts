import type { TailscaleGateway, TailscaleServices } from '../../api/generated/tailscale.ts';
import { localKeyOf } from '../../lib/key.ts';
import { byAge } from '../gateways/precedence.ts';
import type { Candidate } from './candidates.ts';
import { routeText } from './candidates.ts';

/** Somebody who wants a service on a tailnet. */
export type Claim = {
  readonly tailnet: string;
  /** `svc:web`. */
  readonly name: string;
  readonly owner: TailscaleGateway | TailscaleServices;
  /** Absent where a TailscaleServices wants it. */
  readonly candidate?: Candidate;
};

/** A claim to what another has, in words for users. */
export type Conflict = { readonly claim: Claim; readonly what: string; readonly winner: string };

export type Claimed = { readonly won: readonly Claim[]; readonly conflicts: readonly Conflict[] };

/** `corp/svc:web`: what only one may have. */
export const serviceKey = ({ tailnet, name }: Pick<Claim, 'tailnet' | 'name'>): string => `${tailnet}/${name}`;

/**
 * Who gets which service: the oldest object; of one object the tailnet it names first, and there the service of the oldest route. `machineCalled`
 * gives the name of a machine that a service would be called like.
 */
export const claimed = (claims: readonly Claim[], machineCalled: (claim: Claim) => string | undefined): Claimed => {
  const holders = new Map<string, Claim>();
  const won: Claim[] = [];
  const conflicts: Conflict[] = [];
  for (const claim of claims.toSorted((one, other) => byAge(one.owner.metadata, other.owner.metadata))) {
    const at = serviceKey(claim);
    const holder = holders.get(at);
    const machine = machineCalled(claim);
    if (holder !== undefined) conflicts.push({ claim, what: claim.name, winner: winnerText(holder, claim) });
    else if (machine !== undefined) conflicts.push({ claim, what: claim.name, winner: `a machine of the tailnet, ${machine}` });
    else {
      holders.set(at, claim);
      won.push(claim);
    }
  }
  return { won, conflicts };
};

const winnerText = (holder: Claim, loser: Claim): string => {
  if (holder.owner !== loser.owner) return `the older ${holder.owner.kind} "${localKeyOf(holder.owner)}"`;
  const [oldest] = holder.candidate?.routes ?? [];
  if (holder.candidate?.share.entry !== loser.candidate?.share.entry)
    return `tailnet "${holder.candidate?.share.entry ?? ''}" of spec.tailnets, which comes first and is the same one`;
  return oldest === undefined ? 'another of its services' : `the older ${routeText(oldest)}`;
};
