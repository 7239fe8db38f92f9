/**
 * A program in Node that takes a guest from its first connection, and gives it to its second one.
 * `node node-host.mjs URL`: the URL of holdfast/node. It prints a line of JSON for each step.
 */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

const timeoutMs = 120_000;
const say = (step) => console.log(JSON.stringify(step));
const numbersIn = (text) => [...text.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));

const { openKeeper } = await import(process.argv[2]);
const machine = await openKeeper();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
await once(server, 'listening');
const taken = once(server, 'connection');
say({ port: server.address().port });
const { machineId } = await machine.migrateIncoming((await taken)[0]);
const given = once(server, 'connection');
const counted = numbersIn(machine.console().text(0)).at(-1) ?? 0;
await machine.console().waitFor(new RegExp(`<${counted + 100}>`), { timeoutMs });
say({ machineId, counted, foreign: machine.status.config.foreign });
const { status } = await machine.migrate((await given)[0], { downtimeLimitMs: timeoutMs });
say({ status });
machine.close();
server.close();
