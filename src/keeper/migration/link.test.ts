import { beforeEach, describe, expect, test } from 'vitest';
import { xxh64 } from '../cpr/digest.ts';
import type { MigrationChannel } from './channel.ts';
import { MigrationLink, windowBytes } from './link.ts';
import { encodeMessage, headerBytes, largestMessageBytes, type MessageKind } from './message.ts';

const { h64Raw: digest } = await xxh64();

/** The end of a channel whose other end is the test. */
class TestChannel implements MigrationChannel {
  readonly isOpen = true;
  readonly sent: Uint8Array[] = [];
  receive: (message: unknown) => void = () => {};
  gone = () => {};
  isClosed = false;

  send(message: Uint8Array<ArrayBuffer>): void {
    this.sent.push(message);
  }
  open(receive: (message: unknown) => void, closed: () => void): void {
    this.receive = receive;
    this.gone = closed;
  }
  close(): void {
    this.isClosed = true;
  }
}

let channel: TestChannel;
let link: MigrationLink;
let sequence: number;
beforeEach(() => {
  channel = new TestChannel();
  link = new MigrationLink(channel, digest);
  sequence = 0;
});

const message = (kind: MessageKind, body = new Uint8Array()) =>
  encodeMessage(kind, sequence++, body, digest);
const say = (kind: MessageKind, body?: Uint8Array<ArrayBuffer>) =>
  channel.receive(message(kind, body));
const credit = (bytes: number) => {
  const body = new Uint8Array(4);
  new DataView(body.buffer).setUint32(0, bytes, true);
  say('took', body);
};
/** The message with another value at an offset, and a digest that fits. */
const forged = (offset: number, value: number) => {
  const bytes = message('ready');
  const view = new DataView(bytes.buffer);
  view.setUint32(offset, value, true);
  const header = digest(bytes.subarray(0, 16));
  view.setBigUint64(16, digest(bytes.subarray(headerBytes), header), true);
  return bytes;
};

/** The second of two messages with one number. */
function again() {
  say('ready');
  sequence--;
  return message('ready');
}

describe('messages', () => {
  test('[MS2] arrive with their kind and body, in order', async () => {
    say('setup', Uint8Array.of(1, 2));
    say('run');
    expect((await link.receive('setup')).body).toEqual(Uint8Array.of(1, 2));
    expect((await link.receive('run', 'ready')).kind).toBe('run');
  });

  test('[MS3] end the migration when any bit differs', () => {
    const whole = message('setup', new Uint8Array(40).fill(9));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const other = new MigrationLink(channel, digest);
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      channel.receive(damaged);
      expect(other.signal.reason, `bit ${bit}`).toMatchObject({ code: 'migration-failed' });
    }
  });

  test.each([
    ['missing', () => forged(4, 1)],
    ['of an unknown kind', () => forged(0, 99)],
    ['repeated', again],
    ['longer than they say', () => forged(8, 1)],
    ['of another version of the header', () => forged(12, 1)],
    ['cut off', () => message('ready').subarray(0, 20)],
    ['empty', () => new Uint8Array()],
    ['no bytes', () => 'ready'],
    ['nothing', () => null],
    ['a view of shared memory', () => new Uint8Array(new SharedArrayBuffer(64))],
  ])('[MS4] that are %s end the migration', (_, make) => {
    channel.receive(make());
    expect(link.signal.reason).toMatchObject({ code: 'migration-failed' });
    expect(channel.isClosed).toBe(true);
  });

  test('[MS5] that are too large end the migration', () => {
    channel.receive(new Uint8Array(largestMessageBytes + 1));
    expect(link.signal.reason).toMatchObject({ code: 'migration-failed' });
    expect(link.signal.reason.message).toContain(`has ${largestMessageBytes + 1} bytes`);
  });

  test('[MS5] that would be too large are not sent', () => {
    const body = new Uint8Array(largestMessageBytes - headerBytes + 1);
    expect(() => link.post('device', body)).toThrow(/"device" has 16777193 bytes/);
    expect(channel.sent).toEqual([]);
  });

  test('are waited for until a limit, and the link stays open', async () => {
    await expect(link.receiveWithin(5, 'ready', 'It is late.')).rejects.toMatchObject({
      code: 'migration-failed',
      message: 'It is late.',
    });
    expect(link.signal.aborted).toBe(false);
    say('ready');
    expect((await link.receiveWithin(60_000, 'ready', 'It is late.')).kind).toBe('ready');
  });

  test('[MS4] of a kind that is not due end the migration', async () => {
    say('run');
    await expect(link.receive('setup')).rejects.toMatchObject({ code: 'migration-failed' });
    expect(link.signal.aborted).toBe(true);
  });
});

describe('flow control', () => {
  test('[MS6] a sender waits for room, and resumes when the other end took something', async () => {
    const half = new Uint8Array(windowBytes / 2);
    await link.send('pages', half);
    await link.send('pages', half);
    let isSent = false;
    const third = link.send('pages', half).then(() => {
      isSent = true;
    });
    await new Promise((resolve) => setTimeout(resolve));
    expect([isSent, channel.sent.length]).toEqual([false, 2]);
    credit(half.length);
    await third;
    expect(channel.sent.length).toBe(3);
  });

  test('[MS6] one message may be larger than the window', async () => {
    await link.send('pages', new Uint8Array(windowBytes + 1));
    expect(channel.sent.length).toBe(1);
  });

  test('[MS6] credit for more than was sent counts as nothing', async () => {
    credit(0xffffffff);
    await link.send('pages', new Uint8Array(windowBytes));
    const waiting = link.send('pages', new Uint8Array(1));
    link.cancel(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('[MS7] a flood of messages that are not taken ends the migration', () => {
    for (let i = 0; i < 5000 && !link.signal.aborted; i++) say('ready');
    expect(link.signal.reason).toMatchObject({ code: 'migration-failed' });
  });

  test('[MS7] a flood of bytes that are not taken ends the migration', () => {
    const body = new Uint8Array(largestMessageBytes / 2);
    for (let i = 0; i < 5 && !link.signal.aborted; i++) say('pages', body);
    expect(link.signal.reason).toMatchObject({ code: 'migration-failed' });
  });

  test('a limit of bandwidth is kept', async () => {
    link.maxBandwidth = 1_000_000;
    const beganMs = performance.now();
    // Time is the subject: 150 KB at 1 MB/s, 50 ms of which are free.
    for (let i = 0; i < 15; i++) await link.send('pages', new Uint8Array(10_000));
    expect(performance.now() - beganMs).toBeGreaterThan(80);
  });
});

describe('the end', () => {
  test('[MS8] a peer that gives up says why', async () => {
    const receiving = link.receive('ready');
    const why = { code: 'out-of-memory', message: 'No room.' };
    say('cancel', new TextEncoder().encode(JSON.stringify(why)) as Uint8Array<ArrayBuffer>);
    await expect(receiving).rejects.toMatchObject(why);
    expect(link.wasCancelled).toBe(true);
  });

  test.each(['', '{', 'null', '[1]', '"x"', '{"code":7}'])(
    '[MS8] a peer that gives up with %j gives an error all the same',
    (text) => {
      say('cancel', new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>);
      expect(link.signal.reason.name).toBe('HoldfastError');
    },
  );

  test('[MS8] a channel that closes ends the migration, and is no word of the peer', async () => {
    const receiving = link.receive('ready');
    channel.gone();
    await expect(receiving).rejects.toMatchObject({ code: 'migration-failed' });
    expect(link.wasCancelled).toBe(false);
  });
});
