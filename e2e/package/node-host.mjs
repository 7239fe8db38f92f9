/**
 * A program in Node that takes a guest from its first connection, and gives it to its second one.
 * `node node-host.mjs URL BYTES`: the URL of holdfast/node, and the size that the guest's file /tmp/f has
 * to reach there. It prints a line of JSON for each step.
 */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

const timeoutMs = 120_000;
const say = (step) => console.log(JSON.stringify(step));
const numbersIn = (text) => [...text.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));

const [, , url, bytes] = process.argv;
const { openKeeper } = await import(url);
const machine = await openKeeper();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
await once(server, 'listening');
const taken = once(server, 'connection');
say({ port: server.address().port });
const { machineId } = await machine.migrateIncoming((await taken)[0], {
  approve: () => true,
});
const given = once(server, 'connection');
const counted = numbersIn(machine.console().text(0)).at(-1) ?? 0;
await machine.console().waitFor(new RegExp(`<${counted + 100}>`), { timeoutMs });
const received = async () => Number((await machine.execute('wc -c </tmp/f')).stdout);
say({ machineId, counted, foreign: machine.status.config.foreign });
while ((await received()) < Number(bytes));
say({ received: true });
const { status, isRelayed } = await machine.migrate((await given)[0], {
  downtimeLimitMs: timeoutMs,
});
say({ status, isRelayed });
// Its thread relays the guest's download until it is complete.
