import { afterEach, expect, test, vi } from 'vitest';
import { DirectLine } from './direct-line.ts';
import type { Note, SecretChannel } from './secret-channel.ts';

afterEach(() => vi.unstubAllGlobals());

/** Counts what it is given. */
class FakeConnection {
  static candidates = 0;
  static descriptions = 0;
  signalingState = 'stable';
  async setRemoteDescription(): Promise<void> {
    FakeConnection.descriptions++;
  }
  async addIceCandidate(): Promise<void> {
    FakeConnection.candidates++;
  }
  close(): void {}
  ondatachannel: (event: { channel: EventTarget }) => void = () => {};
}

function secondLine(Connection = FakeConnection) {
  vi.stubGlobal('RTCPeerConnection', Connection);
  const ended = new AbortController();
  const channel = {
    onSignalling: undefined as ((note: Note) => void) | undefined,
    signal: ended.signal,
  };
  const line = new DirectLine(channel as unknown as SecretChannel, 'second', { directMs: 1 });
  return { channel, line, ended };
}

test('[SD12] a direct connection ends with the channel, also if the other device is gone', async () => {
  let connection: FakeConnection | undefined;
  class Kept extends FakeConnection {
    constructor() {
      super();
      connection = this;
    }
  }
  const { line, ended } = secondLine(Kept);
  const data = Object.assign(new EventTarget(), { readyState: 'open', close: vi.fn() });
  connection?.ondatachannel({ channel: data });
  const socket = await line.socket();
  const closed = vi.fn();
  socket?.addEventListener('close', closed);
  ended.abort();
  await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
  expect(data.close).toHaveBeenCalledOnce();
  line.close();
});

test('[SD8] a peer that floods with descriptions is heard 64 times', async () => {
  const { channel, line } = secondLine();
  for (let i = 0; i < 1000; i++) channel.onSignalling?.({ sdp: { type: 'offer', sdp: `${i}` } });
  expect(await line.socket()).toBeUndefined();
  expect(FakeConnection.descriptions).toBe(64);
  line.close();
});

test('[SD8] a peer that floods with ICE candidates takes no memory', async () => {
  const { channel, line } = secondLine();
  const flood = () => {
    for (let i = 0; i < 1000; i++) channel.onSignalling?.({ ice: { candidate: `${i}` } });
  };
  channel.onSignalling?.({ ice: { candidate: 'early' } });
  channel.onSignalling?.({ sdp: { type: 'offer', sdp: '' } });
  flood();
  expect(await line.socket()).toBeUndefined();
  expect(FakeConnection.candidates).toBeGreaterThan(0);
  expect(FakeConnection.candidates).toBeLessThan(100);
  line.close();
});
