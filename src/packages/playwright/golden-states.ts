/**
 * Golden guests as state files, for one run of the tests. Playwright ends a worker whose test failed. The
 * next worker opens the guest that it has booted.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const runPrefix = 'holdfast-run-';
const extension = '.holdfast';

export class GoldenStates {
  readonly #folder: string;
  readonly #paths = new Set<string>();
  /** Playwright ends this worker, and begins another for the rest of its tests. */
  workerFollows = false;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Golden states of the workers that follow each other in one slot of a run.
   * @param slot the place: Playwright's `parallelIndex`
   * @returns undefined without a folder that only this user can write to
   */
  static async of(slot: number): Promise<GoldenStates | undefined> {
    await removeOldRuns();
    // All workers of a run have the same parent.
    const run = join(tmpdir(), runPrefix + process.ppid);
    const folder = join(run, String(slot));
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { uid } = await lstat(run);
      return uid === (process.getuid?.() ?? uid) ? new GoldenStates(folder) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The port of the site that the states name. */
  async port(): Promise<number | undefined> {
    const text = await readFile(join(this.#folder, 'port'), 'utf8').catch(() => '');
    return Number(text) || undefined;
  }

  async keepPort(port: number): Promise<void> {
    await writeFile(join(this.#folder, 'port'), String(port));
  }

  /**
   * The path of a state file, which may not exist yet.
   * @param made options and files of the guest
   */
  pathOf(made: unknown): string {
    const key = createHash('sha256').update(JSON.stringify(made, inWords)).digest('hex');
    const path = join(this.#folder, `${key.slice(0, 32)}${extension}`);
    this.#paths.add(path);
    return path;
  }

  /** Removes files that no worker needs any more. */
  async close(): Promise<void> {
    if (this.workerFollows) return;
    await Promise.all([...this.#paths].map((path) => rm(path, { force: true })));
    const left = await readdir(this.#folder);
    if (left.some((name) => name.endsWith(extension))) return;
    await rm(this.#folder, { recursive: true, force: true });
    // The last slot removes the folder of the run.
    await rmdir(dirname(this.#folder)).catch(() => {});
  }
}

/** Converts functions and expressions to their source, and bytes to text. */
function inWords(_: string, value: unknown): unknown {
  if (typeof value === 'function' || value instanceof RegExp) return String(value);
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer).toString('base64') : value;
}

/** Removes files of runs whose last test failed, or that were killed. */
async function removeOldRuns(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const process = name.startsWith(runPrefix) ? Number(name.slice(runPrefix.length)) : 0;
    if (!process || isAlive(process)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
