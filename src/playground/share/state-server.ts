/** The state server of this site, if any (src/server/state-server.ts). */
import { HoldfastError } from '../../errors.ts';
import { part } from '../ui/preloaded-parts.ts';

export interface StateServer {
  /** Ends in a slash. */
  url: string;
  /** The largest state that the server accepts. */
  maxBytes: number;
  /** 0: for ever. */
  expireAfterS: number;
  /** It has relay rooms, through which a running machine moves to another device. */
  hasRooms: boolean;
}

/** A state on a server. */
export interface SharedState {
  url: string;
  sizeBytes: number;
  /** `Date.now()`; absent: never. */
  expiresAtMs?: number;
  deletionToken: string;
}

export interface UploadOptions {
  signal: AbortSignal;
  onProgress(sentBytes: number): void;
}

const lookMs = 5000;
/** Waits before an upload resumes after its connection broke. After the last one it fails. */
const retryDelaysMs = [0, 500, 1000, 2000, 4000, 8000, 15_000];
const publishDelaysMs = [500, 2000, 8000];
const chunkBytes = 8 * 1024 * 1024;
/** Larger ones would have to be in memory as a whole. Their own digest protects them. */
const hashedBytes = 16 * 1024 * 1024;

/**
 * The server that index.html names in `<meta name="holdfast-states" content="URL">`, by default `states/`
 * beside the page.
 * @returns undefined without one, as on a static host
 */
export async function findStateServer(): Promise<StateServer | undefined> {
  const named = document.querySelector<HTMLMetaElement>('meta[name="holdfast-states"]')?.content;
  const url = new URL(named || 'states/', document.baseURI).href;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(lookMs) });
    if (!response.ok) return undefined;
    const { server, maxBytes, expireAfterS, rooms } = (await response.json()) as Record<
      string,
      unknown
    >;
    if (server !== 'holdfast' || typeof maxBytes !== 'number') return undefined;
    return {
      url,
      maxBytes,
      expireAfterS: typeof expireAfterS === 'number' ? expireAfterS : 0,
      hasRooms: rooms === true,
    };
  } catch {
    // No server, or a page of the host in its place: sharing by upload is off.
    return undefined;
  }
}

/** @throws HoldfastError `share-failed`, or `cancelled` */
export async function uploadState(
  server: StateServer,
  state: Blob,
  options: UploadOptions,
): Promise<SharedState> {
  if (state.size > server.maxBytes) {
    throw failed(`The server takes states of up to ${server.maxBytes} bytes.`);
  }
  const digest = state.size <= hashedBytes && isSecureContext ? await sha256(state) : undefined;
  const uploadUrl = await upload(server, state, options);
  const response = await publish(uploadUrl, digest, options.signal).catch((thrown) => {
    // A deleted upload frees room on the server.
    const init = { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } };
    void fetch(uploadUrl, init).catch(() => {});
    throw thrown;
  });
  const { id, sizeBytes, expiresAt, deletionToken } = (await response.json()) as {
    id: string;
    sizeBytes: number;
    expiresAt?: number;
    deletionToken: string;
  };
  const url = new URL(id, server.url).href;
  return { url, sizeBytes, deletionToken, ...(expiresAt && { expiresAtMs: expiresAt }) };
}

/** Retries if the answer was lost: the same key gives the same answer. */
async function publish(
  uploadUrl: string,
  sha256: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const retryKey = hex(crypto.getRandomValues(new Uint8Array(32)));
  const init = { method: 'POST', body: JSON.stringify({ sha256, retryKey }), signal };
  for (const delayMs of publishDelaysMs) {
    try {
      return await request(`${uploadUrl}/publish`, init);
    } catch (thrown) {
      const { cause } = thrown as HoldfastError;
      if (!(cause instanceof TypeError || cause instanceof PassingFailure)) throw thrown;
      await new Promise((done) => setTimeout(done, delayMs));
      signal.throwIfAborted();
    }
  }
  return request(`${uploadUrl}/publish`, init);
}

/** @throws HoldfastError `share-failed` */
export async function deleteShared({ url, deletionToken }: SharedState): Promise<void> {
  await request(url, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${deletionToken}` },
  });
}

async function upload(
  server: StateServer,
  state: Blob,
  { signal, onProgress }: UploadOptions,
): Promise<string> {
  const { Upload } = await part('upload');
  return new Promise((resolve, reject) => {
    const running = new Upload(state, {
      endpoint: new URL('uploads', server.url).href,
      retryDelays: retryDelaysMs,
      chunkSize: chunkBytes,
      // Each export differs: after a reload there is no upload to find again.
      storeFingerprintForResuming: false,
      onProgress,
      // Otherwise the answer of a proxy, while its server restarts, would begin another upload at its
      // first byte.
      onUploadUrlAvailable() {
        running.options.endpoint = null;
      },
      onSuccess: () => resolve(running.url ?? ''),
      onError(error) {
        void running.abort(true).catch(() => {});
        reject(failed(`The upload failed: ${answerOf(error)}`, error));
      },
    });
    const cancel = () => {
      void running.abort(true).catch(() => {});
      reject(HoldfastError.from(signal.reason, 'cancelled', 'The upload was cancelled'));
    };
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel, { once: true });
    running.start();
  });
}

/** The server's own words, if any. */
function answerOf(error: Error): string {
  const { originalResponse } = error as { originalResponse?: { getBody(): string } | null };
  return originalResponse?.getBody().trim() || 'the server cannot be reached.';
}

async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (thrown) {
    init.signal?.throwIfAborted();
    throw failed('The state server cannot be reached.', thrown);
  }
  if (response.ok) return response;
  const { status } = response;
  const { message } = (await response.json().catch(() => ({}))) as { message?: string };
  throw failed(
    message ?? `The state server answered ${status}.`,
    passing.has(status) ? new PassingFailure(String(status)) : undefined,
  );
}

/** Cause of a failure that may pass. */
class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
}

/** Status codes of a proxy whose server restarts. */
const passing = new Set([502, 503, 504]);

const failed = (message: string, cause?: unknown) =>
  new HoldfastError('share-failed', message, { ...(cause !== undefined && { cause }) });

async function sha256(blob: Blob): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())));
}

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
