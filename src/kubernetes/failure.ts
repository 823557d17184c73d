import { ApiError, UnreachableError } from './api-error.ts';

/** Why something could not be read or written, in words that stay the same from one try to the next. */
export type Failure = {
  readonly cause: 'forbidden' | 'unauthorized' | 'certificate' | 'unreachable' | 'answered' | 'unknown';
  /** Names no path, so that the same cause of several failures reads the same. */
  readonly message: string;
};

/** What an error of an ApiServer means to whoever runs the cluster. */
export const failureOf = (error: unknown): Failure => {
  if (error instanceof ApiError) return answered(error);
  if (!(error instanceof UnreachableError)) return { cause: 'unknown', message: error instanceof Error ? error.message : String(error) };
  if (isAboutCertificates(error.code))
    return { cause: 'certificate', message: `the API server's certificate is not trusted (${error.code})` };
  return { cause: 'unreachable', message: `the API server does not answer (${error.code})` };
};

const answered = ({ code, answer }: ApiError): Failure => {
  if (code === 403) return { cause: 'forbidden', message: `forbidden${answer.message === undefined ? '' : `: ${answer.message}`}` };
  if (code === 401) return { cause: 'unauthorized', message: 'the API server does not accept our credentials (401)' };
  return { cause: 'answered', message: `the API server answers ${code}${answer.message === undefined ? '' : `: ${answer.message}`}` };
};

/** OpenSSL's verification errors as Node names them, and the TLS layer's own. */
const isAboutCertificates = (code: string): boolean => /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET|^ERR_TLS|^ERR_SSL/.test(code);
