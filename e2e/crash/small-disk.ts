/** A separate file system, in memory, that a test may fill to the last byte. Linux, root. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk {
  readonly folder: string;

  readonly #sizeBytes: number;

  private constructor(folder: string, sizeMiB: number) {
    this.folder = folder;
    this.#sizeBytes = sizeMiB * 2 ** 20;
  }

  /** @returns a reason if this computer does not allow mounting a file system */
  static mount(sizeMiB: number): SmallDisk | { refused: string } {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder], {
        stdio: 'pipe',
      });
      return new SmallDisk(folder, sizeMiB);
    } catch (thrown) {
      rmSync(folder, { recursive: true });
      const [line = ''] = String((thrown as Error).message)
        .split('\n')
        .slice(1);
      return { refused: `A tmpfs cannot be mounted here: ${line || (thrown as Error).message}` };
    }
  }

  /**
   * Fills the disk to 0 bytes. Files that are deleted meanwhile free space again: call it more than
   * once.
   * @throws Error if the folder is no longer this disk: below it is the computer's own
   */
  fill(): void {
    const { blocks, bsize } = statfsSync(this.folder);
    if (blocks * bsize > this.#sizeBytes)
      throw new Error(`${this.folder} is not mounted any more.`);
    const run = (command: string) => execFileSync('sh', ['-c', command], { cwd: this.folder });
    run(
      'n=0; while [ -e fill$n ]; do n=$((n+1)); done; free=$(df --output=avail -B1 . | tail -1); ' +
        '[ "$free" -lt 4096 ] || fallocate -l "$free" fill$n 2>/dev/null || ' +
        'dd if=/dev/zero of=fill$n bs=4096 2>/dev/null; true',
    );
  }

  get freeMiB(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return Math.round((bavail * bsize) / 2 ** 20);
  }

  empty(): void {
    execFileSync('sh', ['-c', 'rm -f fill*'], { cwd: this.folder });
  }

  unmount(): void {
    // Processes of a killed browser may hold it for a moment: it is removed when they end.
    execFileSync('umount', ['--lazy', this.folder]);
    rmSync(this.folder, { recursive: true });
  }
}
