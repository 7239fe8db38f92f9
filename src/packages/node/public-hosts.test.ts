import { expect, test } from 'vitest';
import type { Reached } from '../../protocol/reach.ts';
import type { StateFileInfo } from '../../state-file/types.ts';
import { requirePublic, requirePublicHost } from './public-hosts.ts';

const info = (...urls: Partial<Reached>[]) =>
  ({ urls: urls.map((one) => ({ isSameOrigin: false, ...one })) }) as unknown as StateFileInfo;
const runtime = { id: 'r', v86Version: '1', url: 'file:///r', wasmUrl: 'file:///w' };

test.each([
  'http://127.0.0.1:8080/',
  'http://localhost/',
  'http://[::1]/',
  'http://10.0.0.1/x',
  'http://169.254.169.254/latest/meta-data/',
  'http://0x7f000001/',
  'http://[::ffff:192.168.0.1]/',
  'ws://127.0.0.1/relay',
])('[3] in Node a stranger’s state does not reach %s, although it was approved', async (url) => {
  const opening = requirePublic(info({ purpose: 'hda', url }), { runtime, approve: () => true });
  await expect(opening).rejects.toMatchObject({ code: 'not-approved' });
});

test('[3] a name that has no address is refused as well', async () => {
  await expect(requirePublicHost(new URL('http://nowhere.invalid/'))).rejects.toMatchObject({
    code: 'not-approved',
  });
});

test('[3] with privateAddresses a state reaches this computer', async () => {
  const url = 'http://127.0.0.1:1/';
  await requirePublic(info({ purpose: 'hda', url }), { runtime, allowPrivate: true });
});

test('[3] files of the package, and networks without an address, are not looked up', async () => {
  const files = { purpose: 'bios', url: 'file:///seabios.bin', isSameOrigin: true } as const;
  await requirePublic(info(files, { purpose: 'network', kind: 'fetch', url: '' }), { runtime });
});
