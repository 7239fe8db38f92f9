import { expect, test } from 'vitest';
import { notifyGuestAgent, randomMac } from './guest-agent.ts';

function port(output: string) {
  const sent: string[] = [];
  return {
    sent,
    output: (console: string) => (console === 'serial1' ? output : ''),
    consoleInput: (console: string, bytes: Uint8Array) => {
      sent.push(`${console}: ${new TextDecoder().decode(bytes)}`);
    },
  };
}

test('an agent gets the time, and entropy that is new each time', () => {
  const commands = [1, 2].map(() => {
    const agent = port('holdfast-agent 1\r\n');
    expect(notifyGuestAgent(agent, { nowMs: 1_700_000_000_400 })).toBe(true);
    const [, id, code] = /^serial1: \n(\S+) (\S+)\n$/.exec(agent.sent.join('')) ?? [];
    expect(id).toBe('resumed-1700000000');
    return Buffer.from(code ?? '', 'base64').toString();
  });
  for (const command of commands)
    expect(command).toMatch(/^\/usr\/lib\/holdfast\/resumed 1700000000 [A-Za-z0-9+/=]{88}$/);
  expect(commands[0]).not.toBe(commands[1]);
});

test('a guest without an agent gets nothing typed into its consoles', () => {
  const shell = port('login: ');
  expect(notifyGuestAgent(shell)).toBe(false);
  expect(shell.sent).toEqual([]);
});

test('a clone gets its network address, which no other has', () => {
  const mac = randomMac();
  expect(mac).toMatch(/^00:22:15(:[0-9a-f]{2}){3}$/);
  expect(randomMac()).not.toBe(mac);
  const agent = port('holdfast-agent 1\r\n');
  notifyGuestAgent(agent, { mac });
  const [, code = ''] = /resumed-\d+ (\S+)\n$/.exec(agent.sent.join('')) ?? [];
  expect(Buffer.from(code, 'base64').toString()).toMatch(new RegExp(` ${mac}$`));
});
