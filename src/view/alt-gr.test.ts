import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AltGrFilter } from './alt-gr.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A filter, and the codes that reach the guest, `-` for a Ctrl that is taken back. */
function filter() {
  const sent: string[] = [];
  const altGr = new AltGrFilter((code) => sent.push(code));
  const down = (code: string, timeStamp: number) => {
    if (altGr.holdsBack({ code, timeStamp })) return;
    if (altGr.wasSentFor({ code, timeStamp })) sent.push('-');
    sent.push(code);
  };
  return { altGr, sent, down };
}

test('[K1] the left Ctrl of an AltGr on Windows is no key', () => {
  const { sent, down } = filter();
  down('ControlLeft', 1000);
  down('AltRight', 1000);
  down('KeyQ', 1100);
  expect(sent).toEqual(['AltRight', 'KeyQ']);
});

test('[K1] Ctrl with another key is sent at once with that key', () => {
  const { sent, down } = filter();
  down('ControlLeft', 1000);
  down('KeyC', 1001);
  expect(sent).toEqual(['ControlLeft', 'KeyC']);
});

test('[K1] Ctrl alone is sent by itself', () => {
  const { sent, down } = filter();
  down('ControlLeft', 1000);
  expect(sent).toEqual([]);
  vi.runAllTimers();
  expect(sent).toEqual(['ControlLeft']);
});

test('[K1] Ctrl and AltGr that were pressed one after the other are two keys', () => {
  const { sent, down } = filter();
  down('ControlLeft', 1000);
  down('AltRight', 1020);
  expect(sent).toEqual(['ControlLeft', 'AltRight']);
});

test('[K1] an AltGr that a busy page receives late takes its Ctrl back', () => {
  const { sent, down } = filter();
  down('ControlLeft', 1000);
  vi.runAllTimers();
  down('AltRight', 1000);
  expect(sent).toEqual(['ControlLeft', '-', 'AltRight']);
});

test('[K1] a Ctrl that is held back is forgotten with the focus', () => {
  const { altGr, sent, down } = filter();
  down('ControlLeft', 1000);
  altGr.drop();
  vi.runAllTimers();
  expect(sent).toEqual([]);
});
