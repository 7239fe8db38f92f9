/** Files in and out of the guest, over its 9p share. */
import type { Page } from '@playwright/test';
import { callMachine } from './call-machine.ts';
import { type GuestShell, quoted } from './guest-shell.ts';

/** Folder of the share for files on their way to or from another place in the guest. */
const passage = '.holdfast';

/** Finds the place where the guest has mounted the share. Prints nothing without a mount. */
const findShare = `sed -n 's/^host9p \\([^ ]*\\) 9p .*/\\1/p' /proc/mounts | head -n 1`;

export class GuestFiles {
  readonly #page: () => Page;
  readonly #shell: GuestShell;
  #passed = 0;

  constructor(page: () => Page, shell: GuestShell) {
    this.#page = page;
    this.#shell = shell;
  }

  async copyIn(bytes: Uint8Array, target: string): Promise<void> {
    if (!target.startsWith('/')) return this.#write(target, bytes);
    const passing = `${passage}/${this.#passed++}`;
    const share = await this.#share();
    await this.#write(passing, bytes);
    const [from, to] = [quoted(`${share}/${passing}`), quoted(target)];
    await this.#shell.succeed(`mkdir -p "$(dirname ${to})" && cp ${from} ${to} && rm ${from}`);
  }

  async copyOut(source: string): Promise<Buffer> {
    if (!source.startsWith('/')) return this.#read(source);
    const passing = `${passage}/${this.#passed++}`;
    const share = await this.#share();
    const to = quoted(`${share}/${passing}`);
    await this.#shell.succeed(`mkdir -p "$(dirname ${to})" && cp ${quoted(source)} ${to}`);
    const bytes = await this.#read(passing);
    await this.#shell.succeed(`rm ${to}`);
    return bytes;
  }

  async #share(): Promise<string> {
    const share = (await this.#shell.succeed(findShare)).trim();
    if (share) return share;
    throw new Error(
      'The guest has not mounted the 9p share: ' +
        'mount -t 9p -o trans=virtio,version=9p2000.L host9p /mnt',
    );
  }

  #write(path: string, bytes: Uint8Array): Promise<void> {
    return callMachine(
      this.#page(),
      (machine, [to, base64]) =>
        machine.filesWrite(
          to,
          Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
        ),
      [path, Buffer.from(bytes).toString('base64')] as const,
    );
  }

  async #read(path: string): Promise<Buffer> {
    const base64 = await callMachine(
      this.#page(),
      async (machine, from) => {
        const bytes = await machine.filesRead(from);
        return new Promise<string>((resolve) => {
          const reader = new FileReader();
          reader.onload = () => resolve(String(reader.result).replace(/^.*?,/, ''));
          reader.readAsDataURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
        });
      },
      path,
    );
    return Buffer.from(base64, 'base64');
  }
}
