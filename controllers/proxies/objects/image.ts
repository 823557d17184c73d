import type { Verdict } from '../../../src/model/route-node.ts';

/** Since then proxies ask for another auth key when theirs is refused; those before would fail for ever. */
const oldest = { major: 1, minor: 98 } as const;

/**
 * Why proxies cannot run `image`; undefined when they can, and where its tag does not tell: none, a word such as `latest`, or only a digest.
 * The numbers are those of Tailscale's releases, with or without a `v`.
 */
export const imageProblem = (image: string): Verdict | undefined => {
  const tag = /:v?(\d+)\.(\d+)(?:[.-][^/@:]*)?(?:@.*)?$/.exec(image);
  if (tag === null) return undefined;
  const [major, minor] = [Number(tag[1]), Number(tag[2])];
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return undefined;
  return {
    reason: 'ImageTooOld',
    message: `Image ${image} is too old: proxies need Tailscale ${oldest.major}.${oldest.minor} or newer`,
  };
};
