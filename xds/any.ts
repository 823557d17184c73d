import type { Any, MessageName, Messages } from './types.ts';

/**
 * An `Any` holding the named message, for `typedConfig` and per-filter configuration. The compiler checks the fields against the name.
 * Each call makes a new object, and the codec keeps bytes by object: share the result where many messages hold the same extension.
 */
export const any = <Name extends MessageName>(name: Name, value: Messages[Name]): Any => ({
  '@type': `type.googleapis.com/${name}`,
  ...value,
});
