import type { KubeObject } from '../../src/kubernetes/kube-object.ts';

/** The same call would fail the same way: waits for the object to change. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** An object of somebody else has the name that ours should have. Passes when its owner renames or removes it. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
  readonly object: KubeObject;

  constructor(object: KubeObject) {
    super(`${textOf(object)} exists and is not ours: it is left as it is`);
    this.object = object;
  }
}

/** `Service default/shop`: an object as people name it. */
export const textOf = ({ kind, metadata: { namespace, name } }: KubeObject): string =>
  namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
