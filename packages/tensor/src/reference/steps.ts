/**
 * How an operation runs: a generator that yields wherever it may be paused, so that long work leaves the event loop
 * free and can be stopped. A stretch between two yields lasts a few milliseconds at most: one row of the longest operation.
 */
export type Steps = Generator<undefined, void, undefined>;

/** Multiplications after which an operation should yield: about a tenth of a millisecond. */
export const WORK_PER_STEP: number = 2 ** 17;
