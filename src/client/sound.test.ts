import { expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import type { MachineEvent } from '../protocol/events.ts';
import { SoundFeed } from './sound.ts';
import type { Machine } from './types.ts';

type AudioEvent = Extract<MachineEvent, { type: 'audio' }>;

/** A machine whose sound the test makes; `taken` records the calls to its keeper. */
function feed(listen?: () => Promise<void>) {
  const listeners = new Set<(event: AudioEvent) => void>();
  const taken: number[] = [];
  const on = (_type: string, listener: (event: AudioEvent) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const sounds = new SoundFeed({ on } as unknown as Pick<Machine, 'on'>, async (frames) => {
    taken.push(frames);
    await listen?.();
  });
  const play = (frames: number, sample = 0) => {
    const left = new Float32Array(frames).fill(sample);
    for (const listener of listeners)
      listener({ type: 'audio', sampleRate: 48_000, left, right: left });
  };
  return { sounds, taken, play, listeners };
}

test('streams share what the keeper sends, which learns what has arrived', async () => {
  const { sounds, taken, play, listeners } = feed();
  const readers = [sounds.stream().getReader(), sounds.stream().getReader()];
  expect(taken).toEqual([48_000]);
  play(12_000, 0.5);
  expect(taken).toEqual([48_000, 12_000]);
  for (const reader of readers) {
    const { value } = await reader.read();
    expect(value?.left).toHaveLength(12_000);
    expect(value?.right[0]).toBe(0.5);
  }
  await readers[0]?.cancel();
  expect(taken).toEqual([48_000, 12_000]);
  await readers[1]?.cancel();
  expect(taken.at(-1)).toBe(0);
  expect(listeners.size).toBe(0);
});

test('a slow reader misses what is more than a second behind', async () => {
  const { sounds, play } = feed();
  const reader = sounds.stream().getReader();
  for (let i = 1; i <= 10; i++) play(12_000, i / 10);
  const got: number[] = [];
  for (let i = 0; i < 4; i++) got.push((await reader.read()).value?.left[0] ?? 0);
  expect(got.map((sample) => Math.round(sample * 10))).toEqual([1, 2, 3, 4]);
  play(12_000, 1);
  expect((await reader.read()).value?.left[0]).toBe(1);
});

test('a stream fails where the keeper sends no sound', async () => {
  const tooOld = new HoldfastError('keeper-incompatible', 'too old');
  const { sounds, listeners } = feed(() => Promise.reject(tooOld));
  await expect(sounds.stream().getReader().read()).rejects.toBe(tooOld);
  expect(listeners.size).toBe(0);
});
