import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';

/** @returns exit code, and the text on the standard error */
function start(...args: string[]): Promise<[unknown, string]> {
  const main = ['node_modules/tsx/dist/cli.mjs', 'src/server/main.ts', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, main, (error, _, said) => resolve([error?.code ?? 0, said]));
  });
}

test.each([
  [['--port', 'nonsense'], /^--port \(PORT\) is "nonsense": give a whole number from 0 to 65535\./],
  [['--port', '65536'], /^--port \(PORT\) is "65536"/],
  [['--port'], /^--port is given without a value\./],
  [['--max-mib', 'much'], /^max-mib \(HOLDFAST_STATES_MAX_MIB\) is "much": give a number\./],
  [['--nonsense', '1'], /^Unknown option '--nonsense'/],
  [['--folder', 'package.json'], /^States cannot be kept in \S*package\.json: ENOTDIR/],
  // `mkdir` of Node never ends there.
  [['--folder', '/proc/holdfast'], /^States cannot be kept in \/proc\/holdfast: ENOENT/],
])('%j is refused with a sentence, and exit code 2', async (args, sentence) => {
  const [code, said] = await start(...args);
  expect(said).toMatch(sentence);
  expect(said).toMatch(/^[^\n]*--help lists the settings\.\n$/);
  expect(code).toBe(2);
});

test('a port that is taken is reported', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as AddressInfo;
  const [code, said] = await start('--port', String(port));
  other.close();
  expect(said).toMatch(new RegExp(`^Port ${port} of 127.0.0.1 cannot be listened on: [^\\n]*\\n$`));
  expect(code).toBe(2);
});
