import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { Client } from './client.ts';
import { HttpError } from './http.ts';

export interface RateLimitOptions {
  requestsPerMinute: number;
  uploadsPerHour: number;
  uploadBytesPerDay: number;
  roomsPerHour: number;
}

/** Creates a limiter of this many points in this many seconds, see {@link Coordination}. */
export type MakeLimiter = (name: string, points: number, durationS: number) => RateLimiterAbstract;

type Limiters = Record<'requests' | 'uploads' | 'bytes' | 'rooms', RateLimiterAbstract>;

const kibibyte = 1024;

/** Limits of one client. */
export class RateLimits {
  readonly #limiters: Record<1 | 4, Limiters>;

  constructor(options: RateLimitOptions, makeLimiter: MakeLimiter) {
    const limiters = (shares: number): Limiters => ({
      requests: makeLimiter(`requests${shares}`, options.requestsPerMinute * shares, 60),
      uploads: makeLimiter(`uploads${shares}`, options.uploadsPerHour * shares, 3600),
      // Counts KiB.
      bytes: makeLimiter(
        `bytes${shares}`,
        Math.ceil(options.uploadBytesPerDay / kibibyte) * shares,
        86_400,
      ),
      rooms: makeLimiter(`rooms${shares}`, options.roomsPerHour * shares, 3600),
    });
    this.#limiters = { 1: limiters(1), 4: limiters(4) };
  }

  /** @throws HttpError 429 */
  request(client: Client): Promise<void> {
    return this.#consume(client, 'requests', 1);
  }

  /** @throws HttpError 429 */
  async upload(client: Client, sizeBytes: number): Promise<void> {
    await this.#consume(client, 'uploads', 1);
    await this.#consume(client, 'bytes', Math.ceil(sizeBytes / kibibyte));
  }

  /** @throws HttpError 429 */
  room(client: Client): Promise<void> {
    return this.#consume(client, 'rooms', 1);
  }

  async #consume(client: Client, what: keyof Limiters, points: number): Promise<void> {
    for (const { key, shares } of client) {
      await consume(this.#limiters[shares][what], key, points, what);
    }
  }
}

async function consume(limiter: RateLimiterAbstract, key: string, points: number, what: string) {
  try {
    await limiter.consume(key, points);
  } catch (reason) {
    if (!(reason instanceof RateLimiterRes)) throw reason;
    const seconds = Math.ceil(reason.msBeforeNext / 1000);
    throw new HttpError(
      429,
      'rate-limited',
      `Too many ${what} from this address. Try again in ${seconds} s.`,
      { 'Retry-After': String(seconds) },
    );
  }
}
