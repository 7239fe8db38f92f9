/** A full disk: no data is lost, other requests are served, and freed space is used. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { randomState, sha256, share, startServer, upload } from './testing/server.ts';

const MiB = 1024 * 1024;
const tus = { 'tus-resumable': '1.0.0' };

/** A separate file system. Undefined if this user may not mount one. */
async function smallDisk(sizeMiB: number) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  const options = ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder];
  const mounted = spawnSync('mount', options).status === 0;
  const remove = async () => {
    if (mounted) spawnSync('umount', [folder]);
    await rm(folder, { recursive: true, force: true });
  };
  if (mounted) return { folder, remove };
  await remove();
  return undefined;
}

const disk = await smallDisk(16);
if (!disk) console.warn('A full disk is not tested: this user may not mount a file system.');

test.skipIf(!disk)(
  'on a full disk uploads are refused, and continue once there is room',
  async () => {
    if (!disk) return;
    const server = await startServer({ folder: join(disk.folder, 'states') });
    const create = (sizeBytes: number) =>
      fetch(new URL('uploads', server.url), {
        method: 'POST',
        headers: { ...tus, 'upload-length': String(sizeBytes) },
      });
    const send = async (created: Response, bytes: Buffer, offset = 0) =>
      (
        await fetch(new URL(created.headers.get('location') ?? '', server.url), {
          method: 'PATCH',
          headers: {
            ...tus,
            'upload-offset': String(offset),
            'content-type': 'application/offset+octet-stream',
          },
          body: new Uint8Array(bytes),
        })
      ).status;
    try {
      const kept = randomState(4 * MiB);
      const { id } = await share(server.url, kept);
      const read = async () =>
        sha256(Buffer.from(await (await fetch(new URL(id, server.url))).arrayBuffer()));
      // A size that clearly does not fit is refused before anything is sent.
      expect((await create(20 * MiB)).status).toBe(507);
      const bytes = randomState(10 * MiB);
      const begun = await create(bytes.length);
      // Another program uses the space meanwhile.
      const other = join(disk.folder, 'other');
      await writeFile(other, Buffer.alloc(8 * MiB));
      expect(await send(begun, bytes)).toBe(507);
      await writeFile(join(disk.folder, 'rest'), Buffer.alloc(4 * MiB)).catch(() => {});
      expect((await create(1)).status).toBe(507);
      expect(await read()).toBe(id);
      // A publication that finds the disk full is rejected, and can be retried.
      await rm(other);
      await rm(join(disk.folder, 'rest'), { force: true });
      const url = new URL(begun.headers.get('location') ?? '', server.url);
      const offset = Number(
        (await fetch(url, { method: 'HEAD', headers: tus })).headers.get('upload-offset'),
      );
      expect(offset).toBeLessThan(bytes.length);
      expect(await send(begun, bytes.subarray(offset), offset)).toBe(204);
      await writeFile(other, Buffer.alloc(16 * MiB)).catch(() => {});
      const publish = () => fetch(`${url}/publish`, { method: 'POST' });
      const full = await publish();
      expect([full.status, (await full.json()).error]).toEqual([507, 'storage-full']);
      expect(await read()).toBe(id);
      await rm(other);
      const published = await publish();
      expect([published.status, (await published.json()).id]).toEqual([201, sha256(bytes)]);
      // The partly written files are deleted.
      await server.states.sweep();
      const names = await readdir(join(disk.folder, 'states'), { recursive: true });
      expect(names.filter((name) => /\.[0-9a-f]{32}$/.test(name))).toEqual([]);
      await expect(upload(server.url, randomState(4 * MiB))).rejects.toThrow('507');
    } finally {
      await server.close();
      await disk.remove();
    }
  },
);
