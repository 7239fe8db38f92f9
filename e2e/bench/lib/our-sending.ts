/** The guest goes to the page of another browser profile, over a relay. */
import { connect } from '../../../src/client/connect.ts';
import { receiveMachine } from '../../../src/client/send/receive-machine.ts';
import { type SendReport, sendMachine } from '../../../src/client/send/send-machine.ts';
import type { Machine } from '../../../src/client/types.ts';
import type { RuntimeSource } from '../../../src/protocol/runtime-source.ts';

/** The machine that this page has received. */
let received: Machine | undefined;

export interface SendingPage {
  /** @returns the link. {@link sent} resolves with the report. */
  send(relay: string): Promise<string>;
  sent(): Promise<SendReport>;
  receive(link: string, relay: string, runtimes: readonly RuntimeSource[]): Promise<void>;
}

export function sendingPage(first: Promise<Machine>): SendingPage {
  let done: Promise<SendReport> | undefined;
  return {
    async send(relay) {
      const machine = received ?? (await first);
      const sending = await sendMachine(machine, {
        relay,
        page: location.href,
        direct: false,
        confirm: () => 'continue',
      });
      done = sending.done.then((report) => {
        // Ends a dedicated worker. The first machine is the page's own.
        if (machine === received) machine.close();
        received = undefined;
        return report;
      });
      return sending.link;
    },
    sent: () => done as Promise<SendReport>,
    async receive(link, relay, runtimes) {
      const machine = await connect({
        keeperUrl: new URL('/keeper.js', location.href).href,
        host: 'dedicated',
        runtimes,
      });
      await receiveMachine(machine, link, {
        relay,
        runtimes,
        direct: false,
        accept: () => true,
        approve: () => true,
      });
      received = machine;
    },
  };
}
