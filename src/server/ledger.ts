import type { Client } from './client.ts';
import { HttpError } from './http.ts';

export interface LedgerLimits {
  /** Most bytes of all states and of the received parts of unfinished uploads. */
  maxTotalBytes: number;
  /** Most received bytes of all unfinished uploads. */
  maxPendingBytes: number;
  maxPendingUploads: number;
  /** Most received bytes of unfinished uploads of one address. */
  maxPendingBytesPerClient: number;
  maxPendingUploadsPerClient: number;
}

/**
 * Accounts for the room of states and unfinished uploads. An upload takes the room of its received
 * data, not of its declared size: a large declaration takes nothing from others.
 */
export interface Ledger {
  /**
   * Enters an upload before anything else is awaited for it.
   * @throws HttpError 429 too many of this client, 503 of all, 507 no room
   */
  begin(uploadId: string, client: Client, sizeBytes: number): Promise<void>;
  /**
   * Counts bytes of an upload that are about to be stored. Unknown uploads are entered: they are
   * from before a restart.
   * @throws HttpError 429 or 507 if there is no room for them; then they are not counted
   */
  arrive(uploadId: string, client: Client, bytes: number): Promise<void>;
  /** Corrects the received size of an upload: some counted bytes may not have reached storage. */
  correct(uploadId: string, bytes: number): Promise<void>;
  knows(uploadId: string): Promise<boolean>;
  /** Enters an upload from storage, unless it is already entered. */
  learn(uploadId: string, bytes: number, changedAtMs: number): Promise<void>;
  /** Removes an upload. */
  end(uploadId: string): Promise<void>;
  /** Returns uploads that have not changed for this long. */
  idle(forMs: number): Promise<string[]>;
  /** Enters a state, or removes it with 0 bytes. */
  setState(id: string, sizeBytes: number): Promise<void>;
  /** Returns all entered states. */
  states(): AsyncIterable<string>;
  usedBytes(): Promise<number>;
}

export type Refusal = 'client-uploads' | 'client-bytes' | 'uploads' | 'bytes';

const refusals: Record<Refusal, readonly [status: number, code: string, message: string]> = {
  'client-uploads': [
    429,
    'too-many-uploads',
    'Too many unfinished uploads from this address. Finish or cancel one first.',
  ],
  'client-bytes': [
    429,
    'too-many-uploads',
    'The unfinished uploads from this address take too much. Finish or cancel one first.',
  ],
  uploads: [503, 'busy', 'Too many uploads are under way. Try again in some minutes.'],
  bytes: [507, 'storage-full', 'The server has no room for this state now.'],
};

export function refusalOf(refusal: Refusal): HttpError {
  const [status, code, message] = refusals[refusal];
  return new HttpError(status, code, message, status === 507 ? {} : { 'Retry-After': '60' });
}
