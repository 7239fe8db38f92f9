import { expect, test, vi } from 'vitest';
import type { MachineEvent } from '../protocol/events.ts';
import { GuestAgent } from './agent.ts';
import type { Machine } from './types.ts';

/** A guest end of the port that sends scripted answers. */
function port() {
  const sent: string[] = [];
  let listener = (_: MachineEvent) => {};
  const machine = {
    status: { bootedAtMs: 1 },
    on: (_: string, added: (event: never) => void) => {
      listener = added as (event: MachineEvent) => void;
      return () => {};
    },
    consoleInput: async (_: string, data: string | Uint8Array) => {
      sent.push(String(data));
    },
  } as unknown as Pick<Machine, 'on' | 'consoleInput'> & { status: Machine['status'] };
  const print = (text: string, console = 'serial1') =>
    listener({ type: 'console', console, offset: 0, bytes: new TextEncoder().encode(text) });
  const id = (index: number) => sent[index]?.split(' ')[0];
  const agent = new GuestAgent(machine);
  /** As with a guest whose agent listens: the first command checks that it is present. */
  const begin = async (version?: string) => {
    const probed = agent.execute('echo there');
    print(`${id(0)} x 0${version === undefined ? '' : ` ${version}`}\r\n`);
    await new Promise((resolve) => setTimeout(resolve));
    print(`${id(1)} x 0\r\n`);
    await probed;
    sent.length = 0;
  };
  return { machine, agent, sent, print, id, begin };
}

test('sends shell code in base64 and puts the answer together from chunks', async () => {
  const { agent, sent, print, id, begin } = port();
  await begin();
  const running = agent.execute('echo "grün"');
  await Promise.resolve();
  const code = sent[0]?.trim().split(' ')[1] ?? '';
  expect(Buffer.from(code, 'base64').toString()).toBe('echo "grün"');
  // The two bytes of ü in two chunks, a line in two events, and an answer for another client
  // between.
  const bytes = Buffer.from('grün\n');
  print(`${id(0)} o ${bytes.subarray(0, 3).toString('base64')}\r\nother x 1\r\n${id(0)} o `);
  print(`${bytes.subarray(3).toString('base64')}\r\n`);
  print(`${id(0)} x 1\n`, 'serial0');
  print(`${id(0)} x 3\r\n`);
  expect(await running).toEqual({ exitCode: 3, stdout: 'grün\n', stderr: '' });
});

test('standard error comes apart from standard output', async () => {
  const { agent, print, id, begin } = port();
  await begin();
  const running = agent.execute('make');
  await Promise.resolve();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  print(`${id(0)} o ${base64('made\n')}\r\n${id(0)} s 2\r\n${id(0)} e ${base64('no ruße\n')}\r\n`);
  print(`${id(0)} x 2\r\n`);
  expect(await running).toEqual({ exitCode: 2, stdout: 'made\n', stderr: 'no ruße\n' });
});

test('code of one line goes to an agent of version 2 as it is, any other in base64', async () => {
  const { agent, sent, begin } = port();
  await begin('2');
  const codes = ['echo "grün"', 'a\nb', ' a', 'a\\ ', 'a\tb', ''];
  // These are never answered.
  for (const code of codes) agent.execute(code).catch(() => {});
  await Promise.resolve();
  const given = sent.map((line) => line.slice(line.indexOf(' ') + 1, -1));
  expect(given[0]).toBe(': echo "grün"');
  expect(given.slice(1).map((line) => Buffer.from(line, 'base64').toString())).toEqual(
    codes.slice(1),
  );
});

test('a shell that ended while a process holds its output is reported as ended', async () => {
  const { agent, print, id, begin } = port();
  await begin('2');
  const running = agent.execute('daemon &', { timeoutMs: 50 });
  await Promise.resolve();
  print(`${id(0)} o ${Buffer.from('begun').toString('base64')}\r\n${id(0)} s 0\r\n`);
  await expect(running).rejects.toMatchObject({
    code: 'guest-silent',
    message: expect.stringMatching(
      /The shell of "daemon &" has ended with status 0, but its standard output was still open[\s\S]*so far ---\nbegun/,
    ),
  });
});

test('commands run side by side', async () => {
  const { agent, print, id, begin } = port();
  await begin();
  const first = agent.execute('sleep 1');
  const second = agent.execute('true');
  await Promise.resolve();
  print(`${id(1)} x 0\r\n${id(0)} x 1\r\n`);
  expect((await second).exitCode).toBe(0);
  expect((await first).exitCode).toBe(1);
});

test('a guest that boots again is asked again whether an agent is there', async () => {
  const { machine, agent, sent, print, id, begin } = port();
  await begin();
  machine.status = { bootedAtMs: 2 } as Machine['status'];
  const running = agent.execute('true');
  await Promise.resolve();
  expect(sent).toEqual([expect.stringMatching(/^\S+ \n$/)]);
  print(`${id(0)} x 0\r\n`);
  await new Promise((resolve) => setTimeout(resolve));
  print(`${id(1)} x 0\r\n`);
  expect((await running).exitCode).toBe(0);
});

test('the echo of a port that the agent is only setting up is not taken for its answer', async () => {
  const { agent, sent, print, id } = port();
  const running = agent.execute('true');
  await Promise.resolve();
  print(`${sent[0]?.trimEnd()} \r\n`);
  await new Promise((resolve) => setTimeout(resolve));
  expect(sent).toHaveLength(1);
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  expect(sent[1]).toMatch(/^\S+ \n$/);
  print(`${id(1)} x 0\r\n`);
  await vi.waitFor(() => expect(sent).toHaveLength(3));
  print(`${id(2)} x 0\r\n`);
  expect((await running).exitCode).toBe(0);
});

test('a guest that does not answer is an error that says what to look at', async () => {
  const { agent } = port();
  await expect(agent.execute('true', { timeoutMs: 1 })).rejects.toMatchObject({
    code: 'guest-silent',
    message: expect.stringContaining('agent'),
  });
});

test('[7] a forged answer fails its command, and nothing else', async () => {
  const forged = ['o *not base64*', 'e \0\u{ff}', 's -1', 'x', 'x NaN', 'x 1e3', 'x 99999'];
  for (const answer of forged) {
    const { agent, print, id, begin } = port();
    await begin();
    const attacked = agent.execute('true');
    const beside = agent.execute('true');
    await Promise.resolve();
    print(`${id(0)} ${answer}\r\n${id(1)} x 0 7z\r\n`);
    await expect(attacked, answer).rejects.toMatchObject({ code: 'guest-failed' });
    expect((await beside).exitCode).toBe(0);
  }
});

test('[7] a line without an end costs 64 KiB, in time linear to what comes', async () => {
  const { agent, print, id, begin } = port();
  await begin();
  const running = agent.execute('true');
  await Promise.resolve();
  const chunk = 'A'.repeat(1024 * 1024);
  print(`${id(0)} o `);
  // 256 MiB in one line: scanning it again for each chunk would take minutes.
  for (let sent = 0; sent < 256; sent++) print(chunk);
  print('\r\n');
  await expect(running).rejects.toMatchObject({ code: 'guest-failed' });
  const next = agent.execute('true');
  await Promise.resolve();
  print(`${id(1)} x 0\r\n`);
  expect((await next).exitCode).toBe(0);
});

test('[7] output without an end fails its command at 16 MiB, in large chunks or small', async () => {
  for (const bytes of [40_000, 1]) {
    const { agent, print, id, begin } = port();
    await begin();
    const running = agent.execute('yes');
    let isOver = false;
    running.catch(() => {}).finally(() => (isOver = true));
    await Promise.resolve();
    const line = `${id(0)} o ${Buffer.alloc(bytes).toString('base64')}\n`;
    let sent = 0;
    const most = (17 * 1024 * 1024) / 64;
    while (!isOver && sent < most) {
      print(line.repeat(100));
      sent += 100;
      await Promise.resolve();
    }
    await expect(running).rejects.toMatchObject({
      code: 'guest-failed',
      message: expect.stringContaining('16 MiB'),
    });
  }
});

test('[7] commands without a waiting caller are forgotten', async () => {
  const { agent, sent, print, id, begin } = port();
  await begin();
  await expect(agent.execute('sleep 9', { timeoutMs: 1 })).rejects.toMatchObject({
    code: 'guest-silent',
  });
  const late = id(0);
  sent.length = 0;
  const running = agent.execute('true');
  await Promise.resolve();
  print(`${late} o *\n${late} x 0\n${id(0)} x 0\n`);
  expect((await running).exitCode).toBe(0);
});
