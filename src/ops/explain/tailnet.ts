import type { TailnetState } from '../../api/observations.ts';
import type { Step } from './explanation.ts';
import type { Source } from './machines.ts';
import type { World } from './world.ts';

export const askServer = 'ask a running server (--server)';

/** The tailnets that machines are of, each once, and how much is known of them. */
export const tailnetSteps = (sources: readonly Source[], world: World): readonly Step[] =>
  tailnetsOf(sources).map((name) => tailnetStep(name, world));

export const tailnetStep = (name: string, world: World): Step => ({
  at: 'tailnet',
  name,
  detail: tailnetText(name, world),
  object: `TailscaleTailnet//${name}`,
});

export const tailnetsOf = (sources: readonly Source[]): readonly string[] => [...new Set(sources.flatMap(({ tailnet }) => tailnet ?? []))];

const tailnetText = (name: string, { asked, read }: World): string => {
  if (!asked) return `not asked, as only files are read: ${askServer}`;
  const state = read('tailnets', name);
  if (state === undefined) return 'has not been heard of yet: the Tailscale API is being asked';
  return state.trouble === undefined ? knownText(state) : `${knownText(state)}; ${troubleText(state.trouble, state.known !== undefined)}`;
};

const knownText = ({ known }: TailnetState): string => {
  if (known === undefined) return 'has not been heard of yet';
  const devices = [...known.devices.values()];
  const connected = devices.filter((device) => device.connected).length;
  return `${known.suffix ?? 'domain not known'}, ${connected} of ${devices.length} devices connected, last answered at ${known.lastSync}`;
};

const troubleText = ({ message, since }: NonNullable<TailnetState['trouble']>, isKnown: boolean): string =>
  `cannot be asked since ${since}${isKnown ? ', and what was known then still counts' : ''}: ${message}`;
