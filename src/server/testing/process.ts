import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildServer } from '../../../tools/build-server.mjs';
import { root } from '../../../tools/setup.mjs';

export interface ServerProcess {
  /** Ends in `/states/`. */
  url: string;
  process: ChildProcess;
  /** Returns everything written so far, on both of its outputs. */
  output(): string;
  /** Resolves once it has ended. */
  ended: Promise<unknown>;
  kill(): Promise<unknown>;
}

/** Builds the server as it is installed. Its dependencies are in the repository's packages. */
export function builtServer(): { folder: string; remove(): void } {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'state-server-'));
  if (!buildServer(folder)) throw new Error('The state server could not be built.');
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

interface ProcessOptions {
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** Modules to import before the server. */
  preload?: string[];
}

/** Starts a built server on a free port, in a separate process. */
export async function startProcess(
  built: { folder: string },
  { args = [], env = {}, preload = [] }: ProcessOptions = {},
): Promise<ServerProcess> {
  const imports = preload.flatMap((path) => ['--import', path]);
  const child = spawn(
    process.execPath,
    [...imports, join(built.folder, 'main.js'), '--port', '0', ...args],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ...env } },
  );
  let output = '';
  const ended = new Promise((done) => child.once('exit', done));
  const url = await new Promise<string>((done, fail) => {
    const read = (text: string) => {
      output += text;
      const found = /at (http\S+)\n/.exec(output)?.[1];
      if (found) done(found);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    void ended.then(() => fail(new Error(`The state server ended: ${output}`)));
  });
  return {
    url,
    process: child,
    output: () => output,
    ended,
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}
