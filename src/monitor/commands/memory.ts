/** Commands that show the guest's memory and save it. */
import type { Arguments, Parameter } from '../arguments.ts';
import type { Command, CommandContext } from '../command.ts';
import { formatMemory, formatNumber, usualFormat } from '../memory-format.ts';
import { readLinear, readPhysical, toPhysical } from '../page-walk.ts';

const binary = 'application/octet-stream';

const savedMemory: readonly Parameter[] = [
  { name: 'addr', kind: 'integer' },
  { name: 'size', kind: 'integer' },
  { name: 'file', kind: 'file' },
];

export const memoryCommands: readonly Command[] = [
  {
    names: ['x'],
    parameters: [
      { name: 'fmt', kind: 'format', optional: true },
      { name: 'addr', kind: 'integer' },
    ],
    help: "show memory at a linear address, e.g. 'x /16xw $esp'",
    run: async ({ machine }, args) => {
      const format = args.format(usualFormat);
      const address = args.integer('addr');
      const registers = await machine.infoRegisters();
      const bytes = await readLinear(machine, registers, address, format.count * format.bytes);
      return formatMemory(address, bytes, format, 8);
    },
  },
  {
    names: ['xp'],
    parameters: [
      { name: 'fmt', kind: 'format', optional: true },
      { name: 'addr', kind: 'integer' },
    ],
    help: "show memory at a physical address, e.g. 'xp /64xb 0x7c00'",
    run: async ({ machine }, args) => {
      const format = args.format(usualFormat);
      const address = args.integer('addr');
      const bytes = await readPhysical(machine, address, format.count * format.bytes);
      return formatMemory(address, bytes, format, 16);
    },
  },
  {
    names: ['print', 'p'],
    parameters: [
      { name: 'fmt', kind: 'format', optional: true },
      { name: 'expr', kind: 'integer' },
    ],
    help: "print the value of an expression, e.g. 'p /x $eip+16*4'",
    run: async (_, args) => {
      // As in QEMU, the size letters have no effect here.
      const { radix } = args.format({ ...usualFormat, radix: 'd' });
      const value = BigInt(args.integer('expr', Number.MIN_SAFE_INTEGER));
      return radix === 'x'
        ? `0x${BigInt.asUintN(64, value).toString(16)}`
        : formatNumber(value, { radix, bytes: 8 }).trim();
    },
  },
  {
    names: ['gva2gpa'],
    parameters: [{ name: 'addr', kind: 'integer' }],
    help: 'print the physical address that a linear one is mapped to',
    run: async ({ machine }, args) => {
      const address = args.integer('addr');
      const physical = await toPhysical(machine, await machine.infoRegisters(), address);
      return physical === undefined ? 'Unmapped' : `gpa: 0x${physical.toString(16)}`;
    },
  },
  {
    names: ['pmemsave'],
    parameters: savedMemory,
    help: 'save physical memory to a file',
    run: (context, args) =>
      save(context, args, (address, size) => readPhysical(context.machine, address, size)),
  },
  {
    names: ['memsave'],
    parameters: savedMemory,
    help: 'save memory at a linear address to a file',
    run: async (context, args) => {
      const registers = await context.machine.infoRegisters();
      return save(context, args, (address, size) =>
        readLinear(context.machine, registers, address, size),
      );
    },
  },
];

async function save(
  { write }: CommandContext,
  args: Arguments,
  read: (address: number, sizeBytes: number) => Promise<Uint8Array>,
): Promise<undefined> {
  await write(args.text('file'), binary, await read(args.integer('addr'), args.integer('size', 1)));
}
