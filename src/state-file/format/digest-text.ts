export const digestText = (digest: bigint) => `xxh64:${digest.toString(16).padStart(16, '0')}`;
