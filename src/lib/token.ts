const tokens = new WeakMap<object, object>();

/** Tells which object something is without holding it: the same token for the same object, and never for another. */
export const tokenOf = (object: object): object => {
  const known = tokens.get(object);
  if (known !== undefined) return known;
  const token = {};
  tokens.set(object, token);
  return token;
};
