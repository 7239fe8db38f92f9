/** A program in Node opens a state before all of it has arrived: docs/spec/lazy-memory.md. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from './test.ts';

test('[LZ2] [LZ7] a guest in Node runs before its memory has arrived, all of which is right', {
  tag: '@slow',
}, async ({ project }) => {
  test.setTimeout(300_000);
  const node = pathToFileURL(join(project.package, 'dist-lib/node.js')).href;
  const program = ['e2e/package/node-lazy.mjs', node];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  const { sentBytes, fileBytes, ...found } = JSON.parse(stdout);
  expect(sentBytes).toBeLessThan(fileBytes / 2);
  expect(found).toMatchObject({ wasLazy: true, isSound: true, isBlocking: true, isWhole: true });
});
