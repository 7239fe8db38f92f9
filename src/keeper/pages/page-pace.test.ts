import { expect, test } from 'vitest';
import type { MachineEvent } from '../../protocol/events.ts';
import { Scrollback } from '../guest/scrollback.ts';
import { PagePace, type PageSource } from './page-pace.ts';

const picture = (bytes: number): MachineEvent => ({
  type: 'screen-frame',
  x: 0,
  y: 0,
  width: 1,
  height: 1,
  pixels: new Uint8ClampedArray(bytes),
});
const mebi = 1024 * 1024;

/** A page that reads only on request, and the guest's side of one console. */
function lab({ screenBytes = 4 * mebi } = {}) {
  const pace = new PagePace();
  const scrollback = new Scrollback();
  const onWay: MachineEvent[] = [];
  const source: PageSource = {
    *consoleFrom(console, from) {
      for (const chunk of scrollback.chunks(from)) yield { type: 'console', console, ...chunk };
    },
    screen: () => [{ type: 'screen-graphics', width: 1, height: 1 }, picture(screenBytes)],
  };
  const send = (event: MachineEvent, visible = true) => {
    if (pace.admits(event, visible)) onWay.push(event);
  };
  const say = (length: number) => {
    const offset = scrollback.end;
    scrollback.append(new Uint8Array(length).fill(offset / length));
    for (const chunk of scrollback.chunks(offset))
      send({ type: 'console', console: 'serial0', ...chunk });
  };
  const bytesOnWay = () =>
    onWay.reduce(
      (sum, event) =>
        sum +
        (event.type === 'console'
          ? event.bytes.length
          : event.type === 'screen-frame'
            ? event.pixels.length
            : 0),
      0,
    );
  const catchUp = (visible = true) => pace.catchUp(source, visible, (event) => onWay.push(event));
  return { pace, send, say, onWay, bytesOnWay, catchUp };
}

test('[11] a page that draws nothing is sent 8 MiB of pictures, and then the whole screen when it has', () => {
  const { pace, send, onWay, bytesOnWay, catchUp } = lab();
  pace.took({});
  for (let i = 0; i < 1000; i++) send(picture(mebi));
  expect(bytesOnWay()).toBeLessThanOrEqual(8 * mebi);
  expect(pace.wantsScreen(true)).toBe(false);
  catchUp();
  expect(onWay.map(({ type }) => type)).not.toContain('screen-graphics');

  onWay.length = 0;
  pace.took({ screen: 64 * mebi });
  catchUp();
  expect(onWay.map(({ type }) => type)).toEqual(['screen-graphics', 'screen-frame']);
  send(picture(1));
  expect(onWay).toHaveLength(3);
});

test('[11] a picture that is larger than that is sent by itself', () => {
  const { pace, send, onWay } = lab();
  pace.took({});
  for (let i = 0; i < 3; i++) send(picture(16 * mebi));
  expect(onWay).toHaveLength(1);
  pace.took({ screen: 17 * mebi });
  expect(pace.wantsScreen(true)).toBe(true);
});

test('[11] a hidden page is sent no pictures, and the screen of now when it is shown', () => {
  const { pace, send, onWay, catchUp } = lab();
  pace.took({});
  send(picture(100), false);
  catchUp(false);
  expect(onWay).toEqual([]);
  expect(pace.wantsScreen(false)).toBe(false);
  catchUp(true);
  expect(onWay.map(({ type }) => type)).toEqual(['screen-graphics', 'screen-frame']);
});

test('[11] console output waits for the page, and none of it is lost that the scrollback has', () => {
  const { pace, say, onWay, catchUp } = lab();
  pace.took({});
  let [shown, isWhole] = [0, true];
  for (let i = 0; i < 100; i++) {
    say(10_000);
    if (i % 10 !== 0) continue;
    for (const event of onWay.splice(0)) {
      if (event.type !== 'console') continue;
      isWhole &&=
        event.offset === shown &&
        event.bytes.every((byte, at) => byte === Math.floor((shown + at) / 10_000) % 256);
      shown = event.offset + event.bytes.length;
    }
    pace.took({ consoles: { serial0: shown } });
    catchUp();
  }
  expect(isWhole).toBe(true);
});

test('[11] a page that reads nothing is sent 1 MiB of a console, however much the guest prints', () => {
  const { pace, say, bytesOnWay, catchUp, onWay } = lab();
  pace.took({});
  for (let i = 0; i < 1000; i++) say(100_000);
  expect(bytesOnWay()).toBeLessThanOrEqual(mebi);
  const [first] = onWay.splice(0);
  expect(first).toMatchObject({ offset: 0 });
  // It has read everything: it receives the output that is still kept, from a later offset on.
  pace.took({ consoles: { serial0: mebi } });
  catchUp();
  expect(onWay[0]).toMatchObject({ offset: 100_000_000 - mebi });
  expect(bytesOnWay()).toBe(mebi);
});

test('a page of an earlier release, which never says what it took, is sent everything', () => {
  const { pace, send, say, onWay } = lab();
  for (let i = 0; i < 20; i++) send(picture(mebi), false);
  for (let i = 0; i < 50; i++) say(60_000);
  expect(onWay.length).toBeGreaterThanOrEqual(70);
  expect(pace.wantsScreen(false)).toBe(true);
});

test('another machine begins with its first byte, however little of the last one was taken', () => {
  const { pace, say, onWay, send } = lab();
  pace.took({});
  for (let i = 0; i < 40; i++) say(60_000);
  pace.renew();
  onWay.length = 0;
  send({ type: 'console', console: 'serial0', offset: 0, bytes: new Uint8Array(5) });
  expect(onWay).toHaveLength(1);
});
