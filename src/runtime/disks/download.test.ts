import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endless } from '../../../tools/endless-server.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { download } from './download.ts';

const host = { emit() {}, config: {} } as unknown as RuntimeHost;
let server: Server;
let url: string;

beforeEach(async () => {
  server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.img`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('[5] an image that continues after its size is refused, and its connection closed', async () => {
  const closed = endless(server);
  await expect(download({ url, sizeBytes: 1 << 20 }, host, undefined)).rejects.toMatchObject({
    code: 'image-unavailable',
    cause: { message: 'it has more than 1048576 bytes' },
  });
  await closed;
});

test('[5] an image that is shorter than it should be is refused', async () => {
  server.on('request', (_, response) => response.end(new Uint8Array(512)));
  await expect(download({ url, sizeBytes: 1024 }, host, undefined)).rejects.toMatchObject({
    code: 'image-unavailable',
    cause: { message: 'it has 512 bytes, not 1024' },
  });
});
