import { expect, test } from './golden.ts';

test('keys, text, screen and consoles are reached through the machine alone', async ({ guest }) => {
  const prompt = await guest.machine(async (machine) => {
    const start = machine.console('serial0').end;
    const writer = machine.console().writable.getWriter();
    await writer.write('echo on "the con"sole\n');
    const [said] = await machine.console().waitFor(/on the console/, { from: start });
    return said;
  });
  expect(prompt).toBe('on the console');

  // The shell on the screen is typed to with the PC's keyboard.
  await guest.machine(async (machine) => {
    await machine.type('echo "typed: $((6*7))"\n');
  });
  await guest.waitForText(/typed: 42/);
  await guest.machine((machine) => machine.sendKey('c-l-e-a-r'));
  await guest.machine((machine) => machine.sendKey('ret'));
  await expect
    .poll(() => guest.machine((machine) => machine.screenText()))
    .not.toContain('typed: 42');

  const refused = await guest.machine((machine) => machine.type('a→b')).catch((thrown) => thrown);
  expect(refused).toMatchObject({ code: 'bad-command', message: expect.stringContaining('→') });

  const picture = await guest.machine(async (machine) => {
    const png = await machine.screenshot();
    const { width, height } = await createImageBitmap(new Blob([png], { type: 'image/png' }));
    return { width, height };
  });
  expect(picture).toEqual({ width: 720, height: 400 });

  const sizes = await guest.machine(async (machine) => {
    const reader = machine.frames({ fps: 30 }).getReader();
    const first = await reader.read();
    await machine.type('echo more');
    const second = await reader.read();
    await reader.cancel();
    return [first, second].map(({ value }) => [value?.width, value?.height]);
  });
  expect(sizes).toEqual([
    [720, 400],
    [720, 400],
  ]);
});
