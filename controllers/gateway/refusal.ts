import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import { ForeignObjectError, TerminalError } from '../runtime/errors.ts';

/** What users are told when an object could not be made; `Pending` where that may pass without them. */
export const refusalFrom = (error: unknown): Verdict => {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ForeignObjectError) return { reason: 'NoResources', message };
  if (error instanceof TerminalError) return { reason: isAboutAddress(error) ? 'AddressNotUsable' : 'Invalid', message };
  return { reason: 'Pending', message };
};

/** A cluster IP that was asked for is out of range, taken, or not the one the Service has already. */
const isAboutAddress = ({ cause }: TerminalError): boolean =>
  cause instanceof ApiError && cause.answer.details?.causes?.some(({ field }) => field?.startsWith('spec.clusterIP')) === true;
