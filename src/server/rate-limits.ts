import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { HttpError } from './http.ts';

export interface RateLimitOptions {
  requestsPerMinute: number;
  uploadsPerHour: number;
  uploadBytesPerDay: number;
  /** Takes the client's address from the last entry of `X-Forwarded-For`, which a proxy wrote. */
  behindProxy: boolean;
}

const kibibyte = 1024;

/** What one client address may do. */
export class RateLimits {
  readonly #requests: RateLimiterMemory;
  readonly #uploads: RateLimiterMemory;
  /** Counts KiB. */
  readonly #uploadedKiB: RateLimiterMemory;
  readonly #behindProxy: boolean;

  constructor(options: RateLimitOptions) {
    this.#behindProxy = options.behindProxy;
    this.#requests = new RateLimiterMemory({ points: options.requestsPerMinute, duration: 60 });
    this.#uploads = new RateLimiterMemory({ points: options.uploadsPerHour, duration: 3600 });
    this.#uploadedKiB = new RateLimiterMemory({
      points: Math.ceil(options.uploadBytesPerDay / kibibyte),
      duration: 86_400,
    });
  }

  /** @throws HttpError 429 */
  async request(request: IncomingMessage): Promise<void> {
    await consume(this.#requests, this.#client(request), 1, 'requests');
  }

  /** @throws HttpError 429 */
  async upload(request: IncomingMessage, sizeBytes: number): Promise<void> {
    const client = this.#client(request);
    await consume(this.#uploads, client, 1, 'uploads');
    await consume(this.#uploadedKiB, client, Math.ceil(sizeBytes / kibibyte), 'bytes');
  }

  #client(request: IncomingMessage): string {
    const forwarded = String((this.#behindProxy && request.headers['x-forwarded-for']) || '');
    const address = forwarded.split(',').at(-1)?.trim() || addressOf(request);
    // One household has a whole /64.
    return isIPv6(address) ? address.split(':').slice(0, 4).join(':') : address;
  }
}

const addressOf = (request: IncomingMessage) =>
  (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');

async function consume(limiter: RateLimiterMemory, key: string, points: number, what: string) {
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
