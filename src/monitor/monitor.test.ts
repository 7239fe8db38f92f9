import { beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { createMonitor, type MonitorOptions } from './index.ts';
import { FakeMachine, runtimes } from './testing/fake-machine.ts';

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});

const run = (line: string, options: MonitorOptions = {}) =>
  createMonitor(machine, { runtimes, ...options }).execute(line);
const lines = async (line: string) => (await run(line)).lines;

describe('commands without arguments', () => {
  test.each([
    ['stop', 'pause'],
    ['s', 'pause'],
    ['cont', 'resume'],
    ['c', 'resume'],
    ['system_reset', 'reset'],
    ['system_wakeup', 'wakeup'],
    ['suspend', 'suspend'],
    ['cpr_cancel', 'cprCancel'],
  ])('%s calls %s and says nothing', async (line, call) => {
    expect(await lines(line)).toEqual([]);
    expect(machine.calls).toEqual([[call]]);
  });

  test('an empty line does nothing', async () => {
    expect(await lines('   ')).toEqual([]);
    expect(machine.calls).toEqual([]);
  });

  test('errors of the machine come through', async () => {
    await expect(run('system_powerdown')).rejects.toMatchObject({ code: 'bad-config' });
  });
});

describe('errors of the line', () => {
  test.each([
    ['foo', "unknown command: 'foo'"],
    ['info foo', "unknown command: 'info foo'"],
    ['info b', 'Did you mean: info block, info blockers'],
    ['system', 'Did you mean: system_powerdown, system_reset, system_wakeup?'],
    ['stop now', 'stop: extraneous characters at the end of line'],
    ['cprsave', 'cprsave: filename expected\nUsage: cprsave file mode [runtime]'],
    ['cprsave a', 'cprsave: mode (restart or reboot) expected'],
    ['cprsave a sideways', "cprsave: invalid mode 'sideways'"],
    ['cprsave a restart 0.1', "There is no runtime '0.1'. There are: 0.5.462, 0.5.409."],
    ['xp', 'xp: integer expected'],
    ['xp zz', "'zz': invalid char 'z'"],
    ['xp -1', 'xp: addr must be 0 or more'],
    ['pmemsave 0 0 f', 'pmemsave: size must be 1 or more'],
    ['pmemsave 0 4G f', 'more than any guest has'],
    ['screendump -x f', 'screendump: unsupported option -x'],
    ['screendump -f gif f', "invalid format 'gif'"],
    ['sendkey foo', 'invalid parameter: foo'],
    ['sendkey a 600000', 'hold_ms must be 60000 or less'],
    ['eject', 'eject: block device name expected'],
    ['eject hda', "eject: Device 'hda' is not removable"],
    ['eject floppy', "eject: Device 'floppy' not found. There are: hda, hdb, cdrom, fda, fdb."],
    ['change cdrom empty:x', "'x': invalid char 'x'"],
    ['help foo', "unknown command: 'foo'"],
    ['constructor', "unknown command: 'constructor'"],
  ])('%s', async (line, message) => {
    const error = await run(line).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: 'bad-command' });
    expect((error as HoldfastError).message).toContain(message);
    expect(machine.calls).toEqual([]);
  });

  test('without a machine, commands are refused', async () => {
    machine.status = null;
    await expect(run('info status')).rejects.toMatchObject({ code: 'no-machine' });
  });
});

describe('help', () => {
  test('has a line for every command and says how it is called', async () => {
    const all = await lines('help');
    expect(all).toContain('cont|c -- resume emulation');
    expect(all).toEqual(expect.arrayContaining([...(await lines('help sendkey'))]));
    expect(await lines('? xp')).toEqual([
      "xp /fmt addr -- show memory at a physical address, e.g. 'xp /64xb 0x7c00'",
    ]);
    expect(await lines('help info status')).toEqual(['info status -- show whether the guest runs']);
  });
});

describe('completion', () => {
  const files = {
    write: () => Promise.reject(),
    read: () => Promise.reject(),
    names: async () => ['lunch.vmstate'],
  };
  const complete = (line: string, cursor?: number) =>
    createMonitor(machine, { runtimes, files }).complete(line, cursor);

  test.each([
    ['scr', 'screendump '],
    ['system_p', 'system_powerdown '],
    ['inf', 'info '],
    ['info st', 'info status '],
    ['info bl', 'info block'],
    ['eject f', 'eject fd'],
    ['change c', 'change cdrom '],
    ['info blockers reb', 'info blockers reboot '],
    ['help scr', 'help screendump '],
    ['help info st', 'help info status '],
    ['sendkey ctrl-alt-del', 'sendkey ctrl-alt-delete'],
    ['cprload store:o', 'cprload store:old '],
    ['cprload store:b', 'cprload "store:before lunch" '],
    ['cprload "store:before l', 'cprload "store:before lunch" '],
    ['cprsave x res', 'cprsave x restart '],
    ['cprsave x restart 0.5.40', 'cprsave x restart 0.5.409 '],
    ['restart 0.5', 'restart 0.5.4'],
    ['screendump -', 'screendump -f '],
    ['xyz', 'xyz'],
    ['stop ', 'stop '],
  ])('"%s" becomes "%s"', async (line, completed) => {
    const { line: to, cursor } = await complete(line);
    expect(to).toBe(completed);
    expect(cursor).toBe(completed.length);
  });

  test('offers what a word could become', async () => {
    expect((await complete('system_')).candidates).toEqual([
      'system_powerdown',
      'system_reset',
      'system_wakeup',
    ]);
    expect((await complete('sendkey ctrl-f1')).candidates).toContain('ctrl-f12');
    expect((await complete('cprload ')).candidates).toEqual([
      'lunch.vmstate',
      'store:before lunch',
      'store:old',
    ]);
    expect((await complete('screendump ')).candidates).toEqual(['lunch.vmstate']);
    expect((await complete('')).candidates).not.toContain('c');
  });

  test('works without the states if storage cannot be read', async () => {
    Object.assign(machine, { storage: { states: () => Promise.reject(new Error('no')) } });
    expect((await complete('cprload ')).candidates).toEqual(['lunch.vmstate']);
  });

  test('keeps what stands right of the cursor', async () => {
    expect(await complete('inf status', 3)).toMatchObject({ line: 'info  status', cursor: 5 });
  });
});
