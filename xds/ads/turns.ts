/**
 * Runs tasks in order, a limited number in one turn of the event loop, so that a thousand clients asking at once, or a thousand streams
 * to be told, leave room for everything else between.
 */
export class Turns {
  readonly #queue: (() => void)[] = [];
  readonly #perTurn: number;
  #next = 0;
  #scheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  add(task: () => void): void {
    this.#queue.push(task);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    const end = Math.min(this.#queue.length, this.#next + this.#perTurn);
    if (end < this.#queue.length) this.#schedule();
    while (this.#next < end) this.#queue[this.#next++]?.();
    this.#queue.splice(0, this.#next);
    this.#next = 0;
  }
}
