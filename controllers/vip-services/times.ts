/**
 * Times that keep clusters from undoing each other's work where nothing is locked. A write is sent at the latest `sendWithinMs` after its read was
 * asked for, and broken off when it is not answered soon; with reads that are a few seconds old it lands within 15 s of the state it was made
 * from. Whoever looks at its own write `settleMs` later and finds it therefore knows that nobody's older view can undo it any more; whoever
 * deletes leaves others that time to come, and looks once more.
 */
export const sendWithinMs = 5000;

/** For the answer to a write. */
export const answerWithinMs = 5000;

export const settleMs = 20_000;

/** A cluster that nobody has heard of for so long has no part in anything any more. */
export const staleMs = 30 * 60_000;

/** A cluster lets itself be heard of so often, in one of its services, give or take a tenth: two misses go unnoticed. */
export const beatMs = 12 * 60_000;
