/** TCP ports of the guest, reached from the test. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import { HoldfastError } from '../../errors.ts';
import { callMachine } from './call-machine.ts';
import { type ForwardPortOptions, PortForward } from './port-forward.ts';
import { consoles } from './shown-consoles.ts';
import { type WaitLimit, waitLimit } from './test-time.ts';
import type { WaitOptions } from './wait-options.ts';

const retryMs = 100;
/** Time for a try that is under way at the timeout. */
const lastTryMs = 10_000;

export class GuestPorts {
  readonly #page: () => Page;
  readonly #forwards = new Set<PortForward>();

  constructor(page: () => Page) {
    this.#page = page;
  }

  async forward(port: number, options: ForwardPortOptions): Promise<PortForward> {
    const forward = await PortForward.open(this.#page, port, options);
    this.#forwards.add(forward);
    return forward;
  }

  /** Resolves when a server in the guest accepts connections on this port. */
  async waitFor(port: number, { timeout }: WaitOptions): Promise<void> {
    const limit = waitLimit(timeout);
    const endMs = performance.now() + limit.ms;
    for (;;) {
      try {
        const tryMs = Math.max(lastTryMs, endMs - performance.now());
        return await this.#knock(port, waitLimit(tryMs).ms);
      } catch (error) {
        const isExpected = error instanceof HoldfastError && error.code === 'not-found';
        if (isExpected && performance.now() + retryMs < endMs) await wait(retryMs);
        else throw await this.#because(error, port, limit);
      }
    }
  }

  /** Closes the ports that tests forwarded. */
  async close(): Promise<void> {
    await Promise.all([...this.#forwards].map((forward) => forward.close()));
    this.#forwards.clear();
  }

  #knock(port: number, timeoutMs: number): Promise<void> {
    return callMachine(
      this.#page(),
      async (machine, [asked, limitMs]) => {
        const socket = await machine.connectTcp(asked, { timeoutMs: limitMs });
        socket.close();
      },
      [port, timeoutMs] as const,
    );
  }

  async #because(error: unknown, port: number, limit: WaitLimit): Promise<unknown> {
    if (!(error instanceof HoldfastError) || error.code === 'network-unavailable') return error;
    return new Error(
      `TCP port ${port} of the guest did not open ${limit.within}: ${error.message}\n` +
        (await consoles(this.#page())),
      { cause: error },
    );
  }
}
