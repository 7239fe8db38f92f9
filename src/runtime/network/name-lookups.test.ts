import { afterEach, expect, test, vi } from 'vitest';
import { nameLookups } from './name-lookups.ts';
import { udpFrame } from './testing/udp-frame.ts';

afterEach(() => vi.unstubAllGlobals());

const question = Uint8Array.of(1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0);

const frameOf = (payload: Uint8Array, port = 53) => udpFrame(payload, port);

const received: Uint8Array[] = [];
const lookups = (server?: string) => {
  received.length = 0;
  return nameLookups(server, (frame) => received.push(frame));
};

test('[2] a name is asked for as a stranger, at the server that was named, and answered', async () => {
  const asked: [string, RequestInit][] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push([url, init]);
    return new Response('answer');
  });
  expect(lookups('dns.example')(frameOf(question))).toBe(true);
  await expect.poll(() => received.length).toBe(1);
  expect(asked[0]?.[0]).toBe('https://dns.example/dns-query');
  expect(asked[0]?.[1]).toMatchObject({
    method: 'POST',
    body: question,
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  });
  const [frame = new Uint8Array()] = received;
  const view = new DataView(frame.buffer);
  expect([...frame.subarray(0, 14)]).toEqual([
    0, 0x22, 0x15, 1, 2, 3, 0x52, 0x54, 0, 1, 2, 3, 8, 0,
  ]);
  expect([...frame.subarray(26, 34)]).toEqual([192, 168, 86, 1, 192, 168, 86, 100]);
  expect([34, 36, 38, 16].map((at) => view.getUint16(at))).toEqual([53, 40_000, 14, 34]);
  expect(new TextDecoder().decode(frame.subarray(42))).toBe('answer');
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += view.getUint16(at);
  expect((sum & 0xffff) + (sum >>> 16)).toBe(0xffff);
});

test('[12] a server that is away, fails or answers without an end is no answer, and no failure', async () => {
  const outcomes: (() => Promise<Response>)[] = [
    () => Promise.reject(new TypeError('fetch failed')),
    async () => new Response('no', { status: 500 }),
    async () => new Response(new Uint8Array(100_000)),
    async () => new Response('at last'),
  ];
  let served = 0;
  vi.stubGlobal('fetch', () => outcomes[served++]?.());
  const send = lookups();
  for (const _ of outcomes) send(frameOf(question));
  await expect.poll(() => received.length).toBe(1);
  expect(new TextDecoder().decode(received[0]?.subarray(42))).toBe('at last');
});

test('[12] a guest that floods has 32 questions under way', () => {
  const fetched = vi.fn(() => new Promise(() => {}));
  vi.stubGlobal('fetch', fetched);
  const send = lookups();
  for (let count = 0; count < 1000; count++) expect(send(frameOf(question))).toBe(true);
  expect(fetched).toHaveBeenCalledTimes(32);
});

test('other frames are left alone, cut off ones too', () => {
  const send = lookups();
  expect(send(frameOf(question, 123))).toBe(false);
  for (let length = 0; length < 42; length++)
    expect(send(frameOf(question).subarray(0, length)), `${length}`).toBe(false);
});
