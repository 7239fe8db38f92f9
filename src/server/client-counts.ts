import type { Client } from './client.ts';

/** Counts what each client has at once. */
export interface ClientCounts {
  /** @returns a function that ends it; undefined for a client that has as many as it may */
  enter(client: Client): (() => void) | undefined;
}

/** @param limit of one address; larger networks have a multiple of it */
export function clientCounts(limit: number): ClientCounts {
  const counts = new Map<string, number>();
  const count = (key: string) => counts.get(key) ?? 0;
  return {
    enter(client) {
      if (client.some(({ key, shares }) => count(key) >= limit * shares)) return undefined;
      for (const { key } of client) counts.set(key, count(key) + 1);
      return () => {
        for (const { key } of client) {
          if (count(key) > 1) counts.set(key, count(key) - 1);
          else counts.delete(key);
        }
      };
    },
  };
}
