import { expect, test } from 'vitest';
import { parseBootCommand } from './boot-command.ts';

test('text is typed, keys are pressed, and the screen is waited for, in their order', () => {
  expect(parseBootCommand(['<esc>', '<wait "boot:">', 'linux', ' quiet<enter>'])).toEqual([
    { do: 'press', keys: 'esc' },
    { do: 'wait-for-text', pattern: /boot:/ },
    { do: 'type', text: 'linux quiet' },
    { do: 'press', keys: 'ret' },
  ]);
});

test('a wait is for text or a regular expression', () => {
  expect(parseBootCommand('<wait "1) a.b">')).toEqual([
    { do: 'wait-for-text', pattern: /1\) a\.b/ },
  ]);
  expect(parseBootCommand('<wait /login:\\s*$/m>')).toEqual([
    { do: 'wait-for-text', pattern: /login:\s*$/m },
  ]);
  expect(parseBootCommand('<wait /a\\/b/>')).toEqual([{ do: 'wait-for-text', pattern: /a\/b/ }]);
});

test.each([
  ['<wait>', { do: 'wait-for-still-screen' }],
  ['<wait5>', { do: 'pause', ms: 5000 }],
  ['<wait10s>', { do: 'pause', ms: 10_000 }],
  ['<wait1m>', { do: 'pause', ms: 60_000 }],
  ['<wait300ms>', { do: 'pause', ms: 300 }],
  ['<pageDown>', { do: 'press', keys: 'pgdn' }],
  ['<F12>', { do: 'press', keys: 'f12' }],
  ['<spacebar>', { do: 'press', keys: 'spc' }],
  ['<ctrl-alt-delete>', { do: 'press', keys: 'ctrl-alt-delete' }],
  ['<leftCtrl+x>', { do: 'press', keys: 'ctrl-x' }],
  ['a <lt> b <gt> c', { do: 'type', text: 'a < b > c' }],
  ['a < b', { do: 'type', text: 'a < b' }],
] as const)('%s', (command, step) => {
  expect(parseBootCommand(command)).toEqual([step]);
});

test('keys are held down around others', () => {
  expect(parseBootCommand('<leftCtrlOn><leftAltOn>x <f2><leftAltOff><leftCtrlOff>y')).toEqual([
    { do: 'press', keys: 'ctrl-alt-x' },
    { do: 'press', keys: 'ctrl-alt-spc' },
    { do: 'press', keys: 'ctrl-alt-f2' },
    { do: 'type', text: 'y' },
  ]);
});

test.each([
  ['<wait for it>', /<wait for it>/],
  ['<leftShiftOff>', /<leftShiftOff>/],
  ['<leftShiftOn>a', /never lets shift go/],
])('%s is refused with its name', (command, message) => {
  expect(() => parseBootCommand(command)).toThrow(message);
});
