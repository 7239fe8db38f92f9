/** Commands that stop, start and reset the guest, and press its keys. */
import { HoldfastError } from '../../errors.ts';
import { strokesOf } from '../../pc/keys.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { Command, CommandContext } from '../command.ts';

/** Default of QEMU. */
const usualHoldMs = 100;
const longestHoldMs = 60_000;

export const guestCommands: readonly Command[] = [
  {
    names: ['stop', 's'],
    parameters: [],
    help: 'stop emulation',
    run: async ({ machine }) => {
      await machine.pause();
      return undefined;
    },
  },
  {
    names: ['cont', 'c'],
    parameters: [],
    help: 'resume emulation',
    run: async ({ machine }) => {
      await machine.resume();
      return undefined;
    },
  },
  {
    names: ['system_reset'],
    parameters: [],
    help: 'reset the system',
    run: async ({ machine }) => {
      await machine.reset();
      return undefined;
    },
  },
  {
    names: ['system_powerdown'],
    parameters: [],
    help: 'press the power button: a guest with ACPI shuts itself down',
    run: async ({ machine }) => {
      await machine.systemPowerdown();
      return undefined;
    },
  },
  {
    names: ['system_wakeup'],
    parameters: [],
    help: 'wake the guest up from suspend',
    run: async ({ machine }) => {
      await machine.wakeup();
      return undefined;
    },
  },
  {
    names: ['suspend'],
    parameters: [],
    help: 'suspend the guest until there is input or traffic for it, or system_wakeup',
    run: async ({ machine }) => {
      await machine.suspend();
      return undefined;
    },
  },
  {
    names: ['sendkey'],
    parameters: [
      { name: 'keys', kind: 'keys' },
      { name: 'hold_ms', kind: 'integer', optional: true },
    ],
    help: "send keys to the guest, e.g. 'sendkey ctrl-alt-f1 200'",
    run: async (context, args) => {
      const { press, release } = strokesOf(args.text('keys'));
      const holdMs = args.optional('hold_ms') === undefined ? usualHoldMs : args.integer('hold_ms');
      if (holdMs > longestHoldMs)
        throw new HoldfastError('bad-command', `sendkey: hold_ms must be ${longestHoldMs} or less`);
      await context.machine.scancodes(press);
      try {
        await context.sleep(holdMs);
      } finally {
        await context.machine.scancodes(release);
      }
      return undefined;
    },
  },
  {
    names: ['sendtext'],
    parameters: [{ name: 'text', kind: 'string' }],
    help: "type text on the guest's keyboard, in its layout, e.g. 'sendtext \"ls -l\\n\"'",
    run: async ({ machine }, args) => {
      await machine.type(args.text('text'));
      return undefined;
    },
  },
  {
    names: ['restart'],
    parameters: [{ name: 'runtime', kind: 'runtime', optional: true }],
    help: 'live update: hand the running guest over to another runtime, or to a new copy of its own',
    run: async (context, args) => {
      const runtime = findRuntime(context, args.optional('runtime'));
      const { v86Version, timings } = await context.machine.restart({ runtime });
      return `Now on v86 ${v86Version}; the guest stood still for ${timings.pauseMs.toFixed(1)} ms.`;
    },
  },
];

/**
 * Finds a runtime by id or v86 version; without a name, the current one of the guest.
 * @throws HoldfastError `bad-command`
 */
export function findRuntime(
  { runtimes, machine }: Pick<CommandContext, 'runtimes' | 'machine'>,
  name: string | undefined,
): RuntimeSource {
  const wanted = name ?? machine.status?.runtimeId;
  const found = runtimes.find(({ id, v86Version }) => id === wanted || v86Version === wanted);
  if (found) return found;
  const known = runtimes.map(({ v86Version }) => v86Version).join(', ');
  throw new HoldfastError(
    'bad-command',
    `There is no runtime '${wanted ?? ''}'. There ${runtimes.length === 0 ? 'is none' : `are: ${known}`}.`,
  );
}
