/** A value that does not fit its message. `path` leads to it, as in `virtualHosts[0].routes[2].match.prefx`; empty for the message itself. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly reason: string;
  readonly path: string;
  constructor(reason: string, path = '', options?: ErrorOptions) {
    super(path === '' ? reason : `${path}: ${reason}`, options);
    this.reason = reason;
    this.path = path;
  }
}

/** The same failure seen from one level further out. Paths are put together only on failure, so they cost nothing otherwise. */
export const within = (segment: string, cause: unknown): CodecError => {
  if (!(cause instanceof CodecError)) return new CodecError(cause instanceof Error ? cause.message : String(cause), segment, { cause });
  const joint = cause.path === '' || cause.path.startsWith('[') ? '' : '.';
  return new CodecError(cause.reason, `${segment}${joint}${cause.path}`, { cause: cause.cause ?? cause });
};
