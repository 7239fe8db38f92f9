/** A worker's question whether its state may take more memory, kept until it is answered. */
import type { StateWorker } from './worker-client.ts';

type Approve = (sizeBytes: number) => boolean | Promise<boolean>;

export class MoreQuestion {
  readonly #worker: Pick<StateWorker, 'on' | 'post'>;
  #approve: Approve | undefined;
  /** Size of an unanswered question. */
  #sizeBytes: number | undefined;

  constructor(worker: Pick<StateWorker, 'on' | 'post'>) {
    this.#worker = worker;
    worker.on('more', ({ sizeBytes }) => {
      this.#sizeBytes = sizeBytes;
      void this.#ask();
    });
  }

  /** @param approve also called for an earlier question; an error means no */
  answerBy(approve: Approve): void {
    this.#approve = approve;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const approve = this.#approve;
    const sizeBytes = this.#sizeBytes;
    if (!approve || sizeBytes === undefined) return;
    this.#sizeBytes = undefined;
    let isAllowed = false;
    try {
      isAllowed = await approve(sizeBytes);
    } catch {
      // No approval.
    }
    this.#worker.post({ type: 'more-answer', isAllowed }, []);
  }
}
