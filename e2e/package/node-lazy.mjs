/**
 * A program in Node opens a state from a slow server, which runs before all of it has arrived.
 * `node node-lazy.mjs URL`: the URL of holdfast/node. It prints a line of JSON.
 */
import { Worker } from 'node:worker_threads';

const { createMachine, demoLinux, openKeeper, packageAssets } = await import(process.argv[2]);

/** Serves the file in a thread, as slow as a line of 20 Mbit/s. */
const serverScript = `
const { parentPort, workerData: file } = require('node:worker_threads');
let sentBytes = 0;
let freeAtMs = 0;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const server = require('node:http').createServer(async (request, response) => {
  const [, from, to] = /^bytes=(\\d+)-(\\d+)$/.exec(request.headers.range ?? '') ?? [0, 0, file.length - 1];
  const begin = Number(from);
  const end = Math.min(Number(to) + 1, file.length);
  response.writeHead(206, { ETag: '"1"', 'Content-Range': 'bytes ' + begin + '-' + (end - 1) + '/' + file.length });
  for (let at = begin; at < end; at += 16384) {
    freeAtMs = Math.max(freeAtMs, performance.now()) + 6.5;
    await pause(freeAtMs - performance.now());
    response.write(file.subarray(at, Math.min(at + 16384, end)));
    sentBytes += 16384;
  }
  response.end();
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
parentPort.on('message', () => parentPort.postMessage(sentBytes));
`;

const first = await createMachine(demoLinux);
await first.execute('head -c 12000000 /dev/urandom > /tmp/noise');
const { stdout: sum } = await first.execute('sha256sum /tmp/noise');
const file = new Uint8Array(await new Response(first.exportState()).arrayBuffer());
first.close();

const thread = new Worker(serverScript, { eval: true, workerData: file });
const next = () => new Promise((done) => thread.once('message', done));
const port = await next();
const url = `http://127.0.0.1:${port}/state`;
const machine = await openKeeper();
const began = performance.now();
await machine.openState(url, {
  runtime: packageAssets.runtimes[0],
  replace: true,
  allowPrivate: true,
  approve: () => true,
});
const openMs = performance.now() - began;
const asked = next();
thread.postMessage('sent');
const sentBytes = await asked;
const { memory } = machine.status;
const { stdout: again } = await machine.execute('sha256sum /tmp/noise', { timeoutMs: 120_000 });
const blocks = await machine.ramBlocks({ digests: true });

/** Makes a request as for a device that cannot wait, in a thread like the machine's. */
const script = `const request = new XMLHttpRequest();
request.open('GET', '${url}', false);
request.responseType = 'arraybuffer';
request.timeout = 60000;
request.setRequestHeader('Range', 'bytes=10-19');
request.send();
postMessage([request.status, request.getResponseHeader('content-range'), [...new Uint8Array(request.response)]]);`;
const blocking = new Worker(new URL('node-worker.js', process.argv[2]), {
  workerData: {
    script: `data:text/javascript,${encodeURIComponent(script)}`,
    guardedHosts: new SharedArrayBuffer(8 * 4096),
  },
});
const answer = await new Promise((done) => blocking.once('message', done));
await blocking.terminate();
const expected = [206, `bytes 10-19/${file.length}`, [...file.subarray(10, 20)]];

console.log(
  JSON.stringify({
    openMs,
    sentBytes,
    fileBytes: file.length,
    wasLazy: memory !== undefined,
    isSound: again === sum,
    isBlocking: JSON.stringify(answer) === JSON.stringify(expected),
    isWhole: machine.status.memory === undefined && blocks.length > 0,
  }),
);
machine.close();
await thread.terminate();
