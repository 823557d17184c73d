/**
 * What keeps an OIDC token from being exchanged, in words for users; undefined when nothing does. Its form and `exp` are looked at, so that one
 * that cannot work costs no call; whether its signature and audience are right is for the API to say. `now` in milliseconds since 1970.
 */
export const identityTokenProblem = (jwt: string, now: number): string | undefined => {
  const parts = jwt.split('.');
  if (parts.length !== 3) return 'the identity token is no JSON Web Token: it does not have three parts';
  const expires = expiryIn(parts[1] ?? '');
  if (expires === undefined) return 'the identity token is no JSON Web Token: it does not say when it expires';
  return expires * 1000 <= now ? 'the identity token has expired' : undefined;
};

const expiryIn = (payload: string): number | undefined => {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const expires = typeof claims === 'object' && claims !== null ? (claims as { readonly exp?: unknown }).exp : undefined;
    return typeof expires === 'number' && Number.isFinite(expires) ? expires : undefined;
  } catch {
    // The parser's message quotes the token.
    return undefined;
  }
};
