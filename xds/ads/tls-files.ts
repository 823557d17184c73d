import { readFile } from 'node:fs/promises';
import { defer, distinctUntilChanged, exhaustMap, filter, type Observable, timer } from 'rxjs';
import { contextOptionsFrom, type Tls, TlsError } from './tls.ts';

/** Paths of PEM files. Without `ca` clients need no certificate. */
export type TlsFiles = { readonly cert: string; readonly key: string; readonly ca?: string };

/**
 * What the files hold, whenever that has changed and can be used. They are read again every `everyMs`: mounted Secrets and network file
 * systems do not reliably tell of changes, and three small files cost nothing. Never errors: while they cannot be read, or do not belong
 * together, as in the middle of their replacement, `problem` is told (once for each thing that is wrong) and the last good state stands.
 */
export const tlsFromFiles = (files: TlsFiles, problem: (error: Error) => void, everyMs = 5000): Observable<Tls> =>
  defer(() => {
    let told = '';
    const read = async (): Promise<Tls | undefined> => {
      try {
        const tls = await tlsIn(files);
        contextOptionsFrom(tls);
        told = '';
        return tls;
      } catch (error) {
        if (!(error instanceof TlsError)) throw error;
        if (error.message !== told) problem(new TlsError(`TLS from ${Object.values(files).join(', ')}: ${error.message}`));
        told = error.message;
        return undefined;
      }
    };
    return timer(0, everyMs).pipe(
      exhaustMap(read),
      filter((tls) => tls !== undefined),
      distinctUntilChanged((a, b) => a.key === b.key && a.cert === b.cert && a.ca === b.ca),
    );
  });

const tlsIn = async ({ cert, key, ca }: TlsFiles): Promise<Tls> => ({
  cert: await textOf(cert),
  key: await textOf(key),
  ...(ca === undefined ? {} : { ca: await textOf(ca) }),
});

const textOf = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new TlsError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
};
