/**
 * For `vi.waitFor` and `vi.waitUntil`: longer than anything takes on a computer that does much else,
 * where their own second is not enough.
 */
export const slowTimeout = { timeout: 20_000, interval: 5 } as const;
