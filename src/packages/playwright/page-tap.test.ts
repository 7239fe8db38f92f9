import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { installTap, type TappedWindow } from './page-tap.ts';

interface FakeWindow extends TappedWindow {
  MessageChannel: typeof MessageChannel;
}
let window: FakeWindow;
let channel: MessageChannel;

beforeEach(() => {
  window = { MessageChannel } as FakeWindow;
  vi.stubGlobal('window', window);
  installTap();
  channel = new window.MessageChannel();
  channel.port1.start();
});
afterEach(() => {
  channel.port1.close();
  vi.unstubAllGlobals();
});

const print = (offset: number, text: string) =>
  channel.port2.postMessage({
    type: 'console',
    console: 'serial0',
    offset,
    bytes: new TextEncoder().encode(text),
  });
const read = () => window.holdfastTap.read('serial0', 0).text;

test('output of a machine is not taken for the output of the one that replaces it', async () => {
  print(0, 'old ');
  await vi.waitFor(() => expect(read()).toBe('old '));
  window.holdfastTap.clear();
  print(4, 'prompt# ');
  print(0, 'new');
  await vi.waitFor(() => expect(read()).toBe('new'));
  print(3, ' prompt# ');
  await vi.waitFor(() => expect(read()).toBe('new prompt# '));
});

test('output of the present machine is read again if no other machine starts', async () => {
  print(0, 'old ');
  await vi.waitFor(() => expect(read()).toBe('old '));
  window.holdfastTap.clear();
  window.holdfastTap.cancelClear();
  print(4, 'prompt# ');
  await vi.waitFor(() => expect(read()).toBe('prompt# '));
});
