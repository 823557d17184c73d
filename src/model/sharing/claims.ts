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

export type ClaimsWorld = {
  /** Name of a machine that a service would be called like. */
  readonly machineCalled: (claim: Claim) => string | undefined;
  /** MagicDNS suffix of a tailnet, by which it is told that two TailscaleTailnets are one tailnet; undefined while it is not known. */
  readonly suffixOf: (tailnet: string) => string | undefined;
};

/**
 * Who gets which service: the oldest object; of one object the tailnet it names first, and there the service that stands for the Gateway, so that no route
 * takes from others what leads to them, then that of the oldest route.
 */
export const claimed = (claims: readonly Claim[], { machineCalled, suffixOf }: ClaimsWorld): Claimed => {
  const holders = new Map<string, Claim>();
  const won: Claim[] = [];
  const conflicts: Conflict[] = [];
  for (const claim of claims.toSorted((one, other) => byAge(one.owner.metadata, other.owner.metadata))) {
    const suffix = suffixOf(claim.tailnet);
    // Before it is known, no TailscaleTailnet is called so.
    const at = suffix === undefined ? serviceKey(claim) : ` ${suffix}/${claim.name}`;
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
  if (holder.owner !== loser.owner) {
    const winner = `the older ${holder.owner.kind} "${localKeyOf(holder.owner)}"`;
    return holder.tailnet === loser.tailnet
      ? winner
      : `${winner}: TailscaleTailnet "${holder.tailnet}" is the same tailnet as "${loser.tailnet}"`;
  }
  const [oldest] = holder.candidate?.routes ?? [];
  if (holder.candidate?.ofGateway === true && holder.candidate.share === loser.candidate?.share)
    return `the service that stands for the Gateway "${holder.candidate.share.gateway}"`;
  if (holder.candidate?.share.entry !== loser.candidate?.share.entry)
    return `tailnet "${holder.candidate?.share.entry ?? ''}" of spec.tailnets, which comes first and is the same one`;
  return oldest === undefined ? 'another of its services' : `the older ${routeText(oldest)}`;
};
