/**
 * Options of `vi.waitFor` and `vi.waitUntil`. Their default of one second is not enough on a busy
 * computer.
 */
export const slowTimeout = { timeout: 20_000, interval: 5 } as const;
