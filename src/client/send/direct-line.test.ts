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
}

function secondLine() {
  vi.stubGlobal('RTCPeerConnection', FakeConnection);
  const channel = {
    onSignalling: undefined as ((note: Note) => void) | undefined,
    signal: new AbortController().signal,
  };
  const line = new DirectLine(channel as unknown as SecretChannel, 'second', { directMs: 1 });
  return { channel, line };
}

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
