import { BehaviorSubject } from 'rxjs';

/** An election that is decided by whoever tests. */
export class DecidedElection {
  readonly leading$ = new BehaviorSubject<AbortSignal | undefined>(undefined);
  #term: AbortController | undefined;

  get isLeading(): boolean {
    return this.#term !== undefined;
  }

  /** Begins a term, or ends it. */
  lead(leads: boolean): void {
    if (leads === this.isLeading) return;
    this.#term?.abort();
    this.#term = leads ? new AbortController() : undefined;
    this.leading$.next(this.#term?.signal);
  }
}
