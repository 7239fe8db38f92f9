/** A guest is restored while the server of its disks is unreachable. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { bareMachine, labFirmware, loadLabRuntime } from '../../../tools/lab-runtime.ts';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { labHost } from '../testing/lab-host.ts';
import { LabGuest, type LabRuntime, prepareLab } from '../testing/lab-runtime.ts';
import type { V86Runtime } from '../v86-runtime.ts';

const contents = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);

let runtime: LabRuntime;
let server: Server;
let answers: 'bytes' | 'another' | 'nothing';

beforeAll(async () => {
  runtime = await loadLabRuntime(v86Packages[0] ?? 'v86');
}, 120_000);

beforeEach(async () => {
  answers = 'bytes';
  server = createServer((request, response) => {
    if (answers === 'nothing') {
      request.socket.destroy();
      return;
    }
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const [start, end] = [Number(from ?? 0), Number(to ?? contents.length - 1) + 1];
    response.writeHead(from === undefined ? 200 : 206, {
      etag: answers === 'another' ? '"2"' : '"1"',
      ...(from !== undefined && {
        'content-range': `bytes ${start}-${end - 1}/${contents.length}`,
      }),
    });
    response.end(contents.subarray(start, end));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/**
 * Saves a guest with two disks of the server, and restores it elsewhere while the server follows
 * the script.
 */
async function comeBack(
  then: typeof answers,
): Promise<{ machine: V86Runtime; host: ReturnType<typeof labHost> }> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const drives = {
    hda: { url: `${url}/hda`, load: 'range' },
    cdrom: { url: `${url}/cdrom` },
  } as const;
  const boot = () => labHost(labFirmware, { ...bareMachine, ...drives });
  const guest = await LabGuest.boot(runtime, boot());
  const state = guest.machine.save();
  answers = then;
  const host = boot();
  const prepared = await prepareLab(runtime, host, true, { incoming: true });
  return { machine: prepared.load(state) as V86Runtime, host };
}

test('it resumes, with disks of the size that they had', async () => {
  const { machine } = await comeBack('nothing');
  expect(machine.disks()).toMatchObject([
    { device: 'hda', sizeBytes: contents.length, baseDigest: 'etag:"1"' },
    { device: 'cdrom', sizeBytes: contents.length },
  ]);
});

test.each(['hda', 'cdrom'] as const)('its %s is read once the server answers', async (device) => {
  const { machine, host } = await comeBack('nothing');
  let read: Uint8Array | undefined;
  machine.drives.buffer(device).get(65_536, 2048, (bytes) => {
    read = bytes;
  });
  await vi.waitFor(
    () => expect(host.events).toContainEqual(expect.objectContaining({ state: 'waiting', device })),
    slowTimeout,
  );
  // It is saved even so: nothing of it needs the server.
  expect(machine.disks()).toContainEqual(expect.objectContaining({ device }));
  answers = 'bytes';
  await vi.waitFor(() => expect(read).toBeDefined(), slowTimeout);
  expect(Buffer.from(read ?? [])).toEqual(Buffer.from(contents.subarray(65_536, 65_536 + 2048)));
  expect(host.events).toContainEqual(expect.objectContaining({ state: 'ready', device }));
});

test('another disk in its place is a disk error, and told', async () => {
  const { machine, host } = await comeBack('nothing');
  answers = 'another';
  machine.drives.buffer('hda').get(65_536, 512, () => {});
  await vi.waitFor(
    () => expect(host.events).toContainEqual(expect.objectContaining({ state: 'failed' })),
    slowTimeout,
  );
  expect(machine.blockers('restart')).toMatchObject([{ code: 'disk-changed', device: 'hda' }]);
});

test('a disk that the server says is another one is refused before the guest resumes', async () => {
  await expect(comeBack('another')).rejects.toMatchObject({ code: 'wrong-disk' });
});
