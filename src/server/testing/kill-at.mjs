/**
 * Import this before a server. Once its parent has sent `{ killAt: N }`, the process ends by SIGKILL. It
 * ends right before its N-th change to a disk or, over HTTP, to a bucket.
 */
import fs from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';

let left = Number.POSITIVE_INFINITY;
process.on('message', (message) => {
  const { killAt } = /** @type {{ killAt: number }} */ (message);
  left = killAt;
  process.send?.({ armed: true });
});

function step() {
  left--;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

/**
 * @param {any} target
 * @param {string[]} names
 * @param {(...args: any[]) => boolean} [counts]
 */
function patch(target, names, counts = () => true) {
  for (const name of names) {
    const original = target[name];
    target[name] = function (/** @type {any[]} */ ...args) {
      if (counts(...args)) step();
      return original.apply(this, args);
    };
  }
}

const file = await fs.promises.open(import.meta.filename, 'r');
patch(Object.getPrototypeOf(file), ['sync', 'writeFile']);
await file.close();
patch(fs.promises, ['mkdir', 'rename', 'rm', 'rmdir', 'unlink', 'writeFile']);
patch(fs.promises, ['open'], (_path, flags) => flags === 'wx');
patch(http, ['request'], (options) => !['GET', 'HEAD'].includes(options?.method));
syncBuiltinESMExports();
