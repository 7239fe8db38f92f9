import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerProcess } from './process.ts';

/** Small states, stored in the folder as by an earlier run of the server. */
export async function keepStates(folder: string, count: number): Promise<void> {
  for (const kind of ['states', 'records']) await mkdir(join(folder, kind), { recursive: true });
  const name = () => randomBytes(32).toString('hex');
  const keep = async () => {
    const id = name();
    await writeFile(join(folder, 'states', id), '.');
    const record = { shares: { [name()]: Date.now() + 86_400_000 } };
    await writeFile(join(folder, 'records', id), JSON.stringify(record));
  };
  for (let at = 0; at < count; at += 100)
    await Promise.all(Array.from({ length: Math.min(100, count - at) }, keep));
}

/** Returns the memory of the process. */
export async function residentMiB({ process: { pid } }: ServerProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
