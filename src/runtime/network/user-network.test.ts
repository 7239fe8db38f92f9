/** v86's own user-mode network of each version that ships, with hand-made frames. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import type { NetworkBackend } from '../../protocol/config.ts';
import type { TcpEvent, TcpRequest } from '../../protocol/tcp-channel.ts';
import { type NetworkPatience, usualPatience } from './exchange.ts';
import { tcpProbe } from './tcp-probe.ts';
import { udpFrame } from './testing/udp-frame.ts';
import { userNetwork } from './user-network.ts';
import type { Backend } from './wire.ts';

const root = join(import.meta.dirname, '../../..');
const mac = '00:22:15:01:02:03';
const flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;
/** The guest of these tests. */
const guest = '192.168.86.100:40000';
const remote = '192.168.87.1:80';

interface Segment {
  flags: number;
  sequence: number;
  acknowledged: number;
  text: string;
}

/** A segment of the guest: a probe's frame with its ends swapped and its numbers changed. */
function guestSegment(segment: Segment, from = guest, to = remote): Uint8Array<ArrayBuffer> {
  const data = new TextEncoder().encode(segment.text);
  const header = tcpProbe({ guest: to, remote: from, sequence: 0 }, '52:54:00:01:02:03');
  const frame = new Uint8Array(header.length + data.length);
  frame.set(header);
  frame.set(data, header.length);
  frame.set(
    mac.split(':').map((byte) => Number.parseInt(byte, 16)),
    6,
  );
  const view = new DataView(frame.buffer);
  view.setUint16(16, 40 + data.length);
  view.setUint32(38, segment.sequence);
  view.setUint32(42, segment.acknowledged);
  view.setUint8(47, segment.flags);
  view.setUint16(48, 64_240);
  return frame;
}

function parse(frame: Uint8Array): Segment {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const header = 34 + (view.getUint8(46) >> 4) * 4;
  return {
    flags: view.getUint8(47),
    sequence: view.getUint32(38),
    acknowledged: view.getUint32(42),
    text: new TextDecoder().decode(frame.subarray(header, 14 + view.getUint16(16))),
  };
}

/** Checksum over the pseudo header and the segment: 0 if the frame's own is right. */
function tcpChecksum(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const end = 14 + view.getUint16(16);
  let sum = 6 + end - 34;
  for (let at = 26; at < end; at += 2)
    sum += at + 1 < end ? view.getUint16(at) : view.getUint8(at) << 8;
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

describe.each(v86Packages)('the user-mode network of npm package %s', (packageName) => {
  let V86: Parameters<typeof userNetwork>[0];
  const received: Segment[] = [];
  const backends: Backend[] = [];

  beforeAll(async () => {
    const url = pathToFileURL(join(root, 'node_modules', packageName, 'build/libv86.mjs'));
    V86 = (await import(url.href)).V86;
  });

  afterEach(() => {
    received.length = 0;
    for (const backend of backends.splice(0)) backend.close();
    vi.unstubAllGlobals();
  });

  type NetworkConfig = Omit<Extract<NetworkBackend, { kind: 'fetch' }>, 'kind'>;

  function fetchNetwork(
    patience: Partial<NetworkPatience> = {},
    config: NetworkConfig = {},
  ): Backend {
    const receive = (frame: Uint8Array) => {
      if (frame[23] === 6) received.push(parse(frame));
    };
    const backend = userNetwork(V86, { kind: 'fetch', ...config }, receive, {
      ...usualPatience,
      ...patience,
    });
    backends.push(backend);
    backend.setMac(mac);
    return backend;
  }

  function openConnection(backend: Backend): void {
    backend.send(guestSegment({ flags: flag.syn, sequence: 999, acknowledged: 0, text: '' }));
    const [answer] = received.splice(0);
    expect(answer).toMatchObject({ flags: flag.syn | flag.ack, acknowledged: 1000 });
    const acknowledged = (answer?.sequence ?? 0) + 1;
    backend.send(guestSegment({ flags: flag.ack, sequence: 1000, acknowledged, text: '' }));
    received.length = 0;
  }

  it('knows the connections of the guest and where they are in their streams', () => {
    const backend = fetchNetwork();
    expect(backend.connections()).toEqual([]);
    openConnection(backend);
    expect(backend.connections()).toEqual([{ guest, remote, sequence: 1338 }]);
  });

  it('fetches what the guest asks for', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url);
      return new Response('hello');
    });
    const backend = fetchNetwork();
    openConnection(backend);
    const text = 'GET /x HTTP/1.1\r\nHost: 8080.external\r\n\r\n';
    backend.send(
      guestSegment({ flags: flag.psh | flag.ack, sequence: 1000, acknowledged: 1338, text }),
    );
    await vi.waitFor(
      () => expect(received.some((s) => s.text.startsWith('HTTP/1.1 200'))).toBe(true),
      slowTimeout,
    );
    expect(asked).toEqual(['http://localhost:8080/x']);
  });

  const request = (text: string, sequence = 1000) =>
    guestSegment({ flags: flag.psh | flag.ack, sequence, acknowledged: 1338, text });
  const answered = (start: string) =>
    vi.waitFor(() => expect(received.map(({ text }) => text).join('')).toMatch(start), slowTimeout);

  it('[2] asks as a stranger: without cookies, referrer and cache', async () => {
    const asked: RequestInit[] = [];
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      asked.push(init);
      return new Response('hello');
    });
    const backend = fetchNetwork();
    openConnection(backend);
    backend.send(request('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n'));
    await answered('HTTP/1.1 200');
    expect(asked).toMatchObject([
      { credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store' },
    ]);
  });

  describe("[2] the keeper's own site", () => {
    const own = 'https://play.example/';
    const forms: [string, NetworkConfig, string][] = [
      ['by host', {}, 'GET /account HTTP/1.1\r\nHost: play.example\r\n\r\n'],
      ['as a proxy is asked', {}, `GET ${own}account HTTP/1.1\r\nHost: play.example\r\n\r\n`],
      ['through a proxy of it', { corsProxy: `${own}#` }, 'GET / HTTP/1.1\r\nHost: a.b\r\n\r\n'],
    ];
    for (const [how, config, text] of forms)
      it(`answers 403 ${how}, and is not asked`, async () => {
        const fetched = vi.fn();
        vi.stubGlobal('location', new URL(own));
        vi.stubGlobal('fetch', fetched);
        const backend = fetchNetwork({}, config);
        openConnection(backend);
        backend.send(request(text));
        await answered('HTTP/1.1 403');
        expect(fetched).not.toHaveBeenCalled();
      });

    it('answers 403 after a redirect, and what it said stays here', async () => {
      vi.stubGlobal('location', new URL(own));
      vi.stubGlobal('fetch', async () =>
        Object.defineProperty(new Response('secret'), 'url', { value: `${own}account` }),
      );
      const backend = fetchNetwork();
      openConnection(backend);
      backend.send(request('GET / HTTP/1.1\r\nHost: redirects.example\r\n\r\n'));
      await answered('HTTP/1.1 403');
      expect(received.map(({ text }) => text).join('')).not.toContain('secret');
    });

    it("is reached where the machine's configuration allows it", async () => {
      vi.stubGlobal('location', new URL(own));
      vi.stubGlobal('fetch', async () => new Response('hello'));
      const backend = fetchNetwork({}, { ownOrigin: true });
      openConnection(backend);
      backend.send(request('GET / HTTP/1.1\r\nHost: play.example\r\n\r\n'));
      await answered('HTTP/1.1 200');
    });
  });

  it('[2] [12] looks names up as a stranger, and a name server that is away ends nothing', async () => {
    const fetched = vi.fn(() => Promise.reject(new TypeError('fetch failed')));
    vi.stubGlobal('fetch', fetched);
    vi.stubGlobal(
      'WebSocket',
      class {
        close() {}
      },
    );
    const config = { kind: 'wisp', url: 'wss://x.example/', dohServer: 'dns.example' } as const;
    const backend = userNetwork(V86, config, () => {});
    backends.push(backend);
    backend.send(
      udpFrame(Uint8Array.of(1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1), 53),
    );
    expect(fetched).toHaveBeenCalledExactlyOnceWith(
      'https://dns.example/dns-query',
      expect.objectContaining({ credentials: 'omit' }),
    );
  });

  it('[15] answers a failed request with a sentence, without stack and addresses', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('Failed to fetch');
    });
    const backend = fetchNetwork();
    openConnection(backend);
    const asked = 'GET /x HTTP/1.1\r\nHost: nobody.example\r\n\r\n';
    backend.send(request(asked));
    await answered('HTTP/1.1 502');
    // v86 has one segment in transit at a time: the first one contains the head.
    const ends = received.map((segment) => segment.sequence + segment.text.length);
    const acknowledged = Math.max(...ends);
    const sequence = 1000 + asked.length;
    backend.send(guestSegment({ flags: flag.ack, sequence, acknowledged, text: '' }));
    await answered('CORS');
    const text = received.map((segment) => segment.text).join('');
    expect(text).toContain('The request failed: the server cannot be reached');
    expect(text).not.toMatch(/\bat \S+:\d+|file:|node_modules|nobody\.example/);
  });

  it('[6] refuses heads and bodies that are too long before they fill the keeper', async () => {
    const fetched = vi.fn();
    vi.stubGlobal('fetch', fetched);
    const long = fetchNetwork();
    openConnection(long);
    for (let sent = 0; sent <= 64; sent++) long.send(request('x'.repeat(1024), 1000 + sent * 1024));
    await answered('HTTP/1.1 431');
    received.length = 0;
    const large = fetchNetwork();
    openConnection(large);
    large.send(request('POST / HTTP/1.1\r\nHost: a.b\r\nContent-Length: 999999999999\r\n\r\n'));
    await answered('HTTP/1.1 413');
    expect(fetched).not.toHaveBeenCalled();
  });

  it('[6] gives v86 a body that comes in pieces once, whole', async () => {
    const bodies: unknown[] = [];
    vi.stubGlobal('fetch', async (_: string, { body }: RequestInit) => {
      bodies.push(await new Response(body).text());
      return new Response('hello');
    });
    const backend = fetchNetwork();
    openConnection(backend);
    const pieces = [
      'POST / HTTP/1.1\r\nHost: a.b\r\nContent-',
      'Length: 6\r\n\r',
      '\nab',
      'cd',
      'ef',
    ];
    let sequence = 1000;
    for (const piece of pieces) {
      backend.send(request(piece, sequence));
      sequence += piece.length;
    }
    await answered('HTTP/1.1 200');
    expect(bodies).toEqual(['abcdef']);
  });

  it('[6] answers a request with an invalid URL, whose rejection in v86 has no handler', async () => {
    const backend = fetchNetwork();
    openConnection(backend);
    backend.send(request('GET http://[ HTTP/1.1\r\nHost: a.b\r\n\r\n'));
    await answered('HTTP/1.1 400');
  });

  it('lets the guest send no more than is read, and more when it is', async () => {
    const windows: number[] = [];
    let syn = new Uint8Array(0);
    const backend = userNetwork(V86, { kind: 'fetch' }, (frame) => {
      if (frame[23] !== 6) return;
      expect(tcpChecksum(frame)).toBe(0);
      const { flags } = parse(frame);
      if (flags === flag.syn) syn = frame.slice();
      else windows.push(new DataView(frame.buffer, frame.byteOffset).getUint16(48));
    });
    backends.push(backend);
    backend.setMac(mac);
    const { port1: page, port2: far } = new MessageChannel();
    const events: TcpEvent[] = [];
    page.onmessage = ({ data }: MessageEvent<TcpEvent>) => events.push(data);
    backend.open?.(9000, far);
    await vi.waitFor(() => expect(syn.length).toBeGreaterThan(0));
    const view = new DataView(syn.buffer);
    const ends = [26, 30].map(
      (at, i) => `${syn.subarray(at, at + 4).join('.')}:${view.getUint16(34 + 2 * i)}`,
    );
    const [to, from] = ends as [string, string];
    const acknowledged = view.getUint32(38) + 1;
    const answer = { flags: flag.syn | flag.ack, sequence: 999, acknowledged, text: '' };
    backend.send(guestSegment(answer, from, to));
    await vi.waitFor(() => expect(events).toContainEqual({ type: 'connected' }));
    const ask = (request: TcpRequest) => page.postMessage(request);

    let sequence = 1000;
    const text = 'x'.repeat(1400);
    const sendOne = () => {
      backend.send(guestSegment({ flags: flag.ack, sequence, acknowledged, text }, from, to));
      sequence += text.length;
    };
    // A page of an earlier release never reports what it has read, and gets everything.
    for (let i = 0; i < 300; i++) sendOne();
    expect(windows.splice(0).every((window) => window >= 60_000)).toBe(true);

    ask({ type: 'taken', bytes: 300 * text.length });
    await vi.waitFor(() => {
      sendOne();
      expect(events.length).toBeGreaterThan(300);
    });
    // A guest that respects the window stops within the last one that it received.
    for (let i = 0; i < 1000 && windows.at(-1) !== 0; i++) sendOne();
    expect(windows.at(-1)).toBe(0);
    const unread = sequence - 1000 - 300 * text.length;
    expect(unread).toBeLessThan(300 * 1024);

    windows.length = 0;
    ask({ type: 'taken', bytes: unread });
    await vi.waitFor(() => expect(windows).toEqual([64_240]));

    // A guest that ignores the window is cut off: unread data has a limit.
    const before = events.length;
    for (let i = 0; i < 1000; i++) sendOne();
    await vi.waitFor(() => expect(events.at(-1)).toEqual({ type: 'closed', reset: true }));
    expect((events.length - before) * text.length).toBeLessThan(512 * 1024);
    page.close();
  });

  it('[6] holds at most 1024 connections of a guest', () => {
    const backend = fetchNetwork();
    for (let port = 0; port < 1100; port++) {
      const segment = guestSegment({ flags: flag.syn, sequence: 1, acknowledged: 0, text: '' });
      new DataView(segment.buffer).setUint16(34, 10_000 + port);
      backend.send(segment);
    }
    expect(backend.connections()).toHaveLength(1024);
  });

  it('reads the answer no faster than the guest, and stops when the guest hangs up', async () => {
    let [pulled, cancelled] = [0, false];
    const pieceBytes = 64 * 1024;
    const endless = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += pieceBytes;
          controller.enqueue(new Uint8Array(pieceBytes));
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    vi.stubGlobal('fetch', async () => new Response(endless));
    const backend = fetchNetwork();
    openConnection(backend);
    const text = 'GET /x HTTP/1.1\r\nHost: 8080.external\r\n\r\n';
    const ask = { flags: flag.psh | flag.ack, sequence: 1000, acknowledged: 1338, text };
    backend.send(guestSegment(ask));
    await vi.waitFor(() => expect(pulled).toBe(4 * pieceBytes), slowTimeout);
    const sequence = 1000 + text.length;
    let acknowledged = 1338;
    // v86 has one segment in transit at a time: the first one contains the head of the answer.
    for (let segments = 0; segments < 2; segments++) {
      for (const segment of received.splice(0))
        acknowledged = Math.max(acknowledged, segment.sequence + segment.text.length);
      backend.send(guestSegment({ flags: flag.ack, sequence, acknowledged, text: '' }));
    }
    await vi.waitFor(() => expect(pulled).toBe(5 * pieceBytes), slowTimeout);
    backend.send(guestSegment({ flags: flag.rst, sequence, acknowledged, text: '' }));
    await vi.waitFor(() => expect(cancelled).toBe(true), slowTimeout);
    expect(pulled).toBe(5 * pieceBytes);
  });

  describe('a request', () => {
    const text = 'GET /x HTTP/1.1\r\nHost: 8080.external\r\n\r\n';
    const end = 1000 + text.length;

    /** Sends a request; `fetch` then returns `answer`. */
    function ask(
      answer: (init: RequestInit) => Promise<Response>,
      patience: Partial<NetworkPatience> = {},
    ) {
      vi.stubGlobal('fetch', (_: string, init: RequestInit) => answer(init));
      const backend = fetchNetwork(patience);
      openConnection(backend);
      const say = (flags: number, sequence: number, acknowledged: number, data = '') =>
        backend.send(guestSegment({ flags, sequence, acknowledged, text: data }));
      say(flag.psh | flag.ack, 1000, 1338, text);
      /**
       * Returns all data that the guest has received and acknowledged, as long as there is more.
       */
      const read = () => {
        let got = '';
        for (let segment = received.shift(); segment; segment = received.shift()) {
          got += segment.text;
          if (segment.text) say(flag.ack, end, segment.sequence + segment.text.length);
        }
        return got;
      };
      return { backend, say, read };
    }
    /** An answer that never comes, until the request is aborted. */
    const silence = ({ signal }: RequestInit) =>
      new Promise<Response>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    const isReset = ({ flags }: Segment) => (flags & flag.rst) !== 0;
    /** Checks that the guest answers a probe and gets a reset. */
    const expectReset = async ({ backend, say, read }: ReturnType<typeof ask>) => {
      await vi.waitFor(() => {
        read();
        expect(backend.connections()).toEqual([]);
      }, slowTimeout);
      received.length = 0;
      say(flag.ack, end, 2000);
      expect(received).toHaveLength(1);
      expect(received.every(isReset)).toBe(true);
    };

    it('is reset when its answer breaks off, after the data that arrived', async () => {
      let fail = () => {};
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('the first half'));
          fail = () => controller.error(new TypeError('network error'));
        },
      });
      const request = ask(async () => new Response(body), { takenMs: 60_000 });
      let got = '';
      await vi.waitFor(() => {
        got += request.read();
        expect(got).toContain('the first half');
      }, slowTimeout);
      fail();
      await expectReset(request);
    });

    it('is reset when its answer breaks off, also in a guest that takes nothing', async () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(100));
        },
        pull: (controller) => controller.error(new TypeError('network error')),
      });
      const request = ask(async () => new Response(body), { takenMs: 1 });
      await expectReset({ ...request, read: () => '' });
    });

    it('that no server answers is reset, and given up', async () => {
      let isAborted = false;
      const answer = (init: RequestInit) => {
        init.signal?.addEventListener('abort', () => {
          isAborted = true;
        });
        return silence(init);
      };
      await expectReset(ask(answer, { answerMs: 1 }));
      expect(isAborted).toBe(true);
    });

    it('that cannot be made is answered with an error, and over', async () => {
      const request = ask(() => Promise.reject(new TypeError('Failed to fetch')));
      let got = '';
      await vi.waitFor(() => {
        got += request.read();
        expect(got).toMatch(/^HTTP\/1.1 502 /);
        expect(received.length === 0 && got).toContain(
          'The request failed: the server cannot be reached',
        );
      }, slowTimeout);
    });

    it('is over for the server when the guest resets the connection', async () => {
      let isAborted = false;
      const { backend, say } = ask((init) => {
        init.signal?.addEventListener('abort', () => {
          isAborted = true;
        });
        return silence(init);
      });
      say(flag.rst, end, 1338);
      expect(isAborted).toBe(true);
      expect(backend.connections()).toEqual([]);
      expect(received.every(({ text: said }) => said === '')).toBe(true);
    });

    it('is answered also when the guest has ended its side', async () => {
      let answer: (response: Response) => void = () => {};
      const request = ask(() => new Promise((resolve) => (answer = resolve)));
      request.say(flag.fin | flag.ack, end, 1338);
      expect(request.backend.connections()).toHaveLength(1);
      answer(new Response('late'));
      let got = '';
      await vi.waitFor(() => {
        got += request.read();
        expect(got).toContain('late');
      }, slowTimeout);
    });

    it('that a guest has given up is not counted for ever', async () => {
      const request = ask(silence, { endedMs: 1 });
      request.say(flag.fin | flag.ack, end, 1338);
      await expectReset(request);
    });
  });

  it('ends a connection that the guest ends without having asked for anything', () => {
    const backend = fetchNetwork();
    openConnection(backend);
    const say = (flags: number, sequence: number, acknowledged: number) =>
      backend.send(guestSegment({ flags, sequence, acknowledged, text: '' }));
    say(flag.fin | flag.ack, 1000, 1338);
    const fin = received.find(({ flags }) => flags & flag.fin);
    expect(fin).toMatchObject({ acknowledged: 1001 });
    say(flag.ack, 1001, (fin?.sequence ?? 0) + 1);
    expect(backend.connections()).toEqual([]);
  });

  it('forgets the connections of a guest that has forgotten them', () => {
    const backend = fetchNetwork();
    openConnection(backend);
    backend.forget?.(({ sequence }) => sequence !== 1338);
    expect(backend.connections()).toHaveLength(1);
    backend.forget?.(() => true);
    expect(backend.connections()).toEqual([]);
    expect(received).toEqual([]);
  });

  describe('a connection into the guest', () => {
    /** Returns the guest's answer from the port that was opened. */
    const answer = (segment: Segment, port: number) => {
      const frame = guestSegment(segment);
      const view = new DataView(frame.buffer);
      frame.set([192, 168, 86, 1], 30);
      view.setUint16(34, 8080);
      view.setUint16(36, port);
      return frame;
    };

    /** Opens port 8080; the guest has answered its SYN. */
    function open() {
      const backend = fetchNetwork();
      const { port1, port2 } = new MessageChannel();
      const events: TcpEvent[] = [];
      port1.onmessage = ({ data }: MessageEvent<TcpEvent>) => events.push(data);
      backend.open?.(8080, port2);
      expect(received.splice(0)).toMatchObject([{ flags: flag.syn }]);
      const port = Number(backend.connections()[0]?.remote.split(':')[1]);
      const say = (flags: number, sequence: number, acknowledged: number, text = '') =>
        backend.send(answer({ flags, sequence, acknowledged, text }, port));
      const send = (request: TcpRequest) => port1.postMessage(request);
      return { backend, events, say, send };
    }
    const bytes = (text: string) => new TextEncoder().encode(text);
    const kinds = (events: readonly TcpEvent[]) => events.map(({ type }) => type);

    it('carries data both ways, and what a last segment holds', async () => {
      const { backend, events, say, send } = open();
      say(flag.syn | flag.ack, 4999, 1338);
      await vi.waitFor(() => expect(kinds(events)).toEqual(['connected']), slowTimeout);
      send({ type: 'data', bytes: bytes('question') });
      const asked = () => received.filter(({ text }) => text === 'question');
      await vi.waitFor(() => expect(asked()).toHaveLength(1), slowTimeout);
      // Linux ends a stream in the segment of its last data.
      say(flag.psh | flag.ack | flag.fin, 5000, 1338 + 8, 'answer');
      await vi.waitFor(() => expect(kinds(events)).toContain('end'), slowTimeout);
      expect(events).toContainEqual({ type: 'data', bytes: bytes('answer') });
      expect(received.at(-1)).toMatchObject({ acknowledged: 5007 });
      send({ type: 'end' });
      await vi.waitFor(() => expect(received.at(-1)?.flags).toBe(flag.fin | flag.ack), slowTimeout);
      say(flag.ack, 5007, 1338 + 9);
      await vi.waitFor(() => expect(events.at(-1)).toEqual({ type: 'closed', reset: false }));
      expect(backend.connections()).toEqual([]);
    });

    it('is over when the guest refuses it', async () => {
      const { backend, events, say } = open();
      say(flag.rst | flag.ack, 0, 1338);
      await vi.waitFor(
        () => expect(events).toEqual([{ type: 'closed', reset: true }]),
        slowTimeout,
      );
      expect(backend.connections()).toEqual([]);
    });

    it('is reset in the guest when its reader is gone', async () => {
      const { backend, say, send } = open();
      say(flag.syn | flag.ack, 4999, 1338);
      send({ type: 'abort' });
      await vi.waitFor(() => expect(backend.connections()).toEqual([]), slowTimeout);
      received.length = 0;
      say(flag.psh | flag.ack, 5000, 1338, 'too late');
      expect((received[0]?.flags ?? 0) & flag.rst).toBe(flag.rst);
    });
  });

  it('resets a connection that it does not know, where the guest believes it', () => {
    const backend = fetchNetwork();
    backend.send(guestSegment({ flags: flag.ack, sequence: 5000, acknowledged: 7000, text: '' }));
    expect(received).toMatchObject([{ sequence: 7000 }]);
    expect((received[0]?.flags ?? 0) & flag.rst).toBe(flag.rst);
  });
});

describe('a TCP probe', () => {
  it('is a keep-alive of the connection: one before the next byte, with valid checksums', () => {
    const frame = tcpProbe({ guest, remote, sequence: 1338 }, mac);
    expect(parse(frame)).toEqual({ flags: flag.ack, sequence: 1337, acknowledged: 0, text: '' });
    const view = new DataView(frame.buffer);
    const words = (from: number, to: number) => {
      let sum = 0;
      for (let at = from; at < to; at += 2) sum += view.getUint16(at);
      return sum;
    };
    const folded = (sum: number) => (sum % 0xffff === 0 ? 0xffff : sum % 0xffff);
    expect(folded(words(14, 34))).toBe(0xffff);
    expect(folded(words(26, 54) + 6 + 20)).toBe(0xffff);
  });
});
