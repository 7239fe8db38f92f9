/** `info TOPIC`: shows the state of the machine. Each topic is a separate command. */
import { HoldfastError } from '../../errors.ts';
import { type Blocker, blockerSentence, type CprMode } from '../../protocol/cpr.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import type { Command } from '../command.ts';
import type { MonitorMachine } from '../monitor-machine.ts';
import { networkLines } from '../network-lines.ts';
import { formatRegisters } from '../register-dump.ts';

export const cprModes: readonly CprMode[] = ['restart', 'reboot'];

export const infoCommands: readonly Command[] = [
  {
    names: ['info status'],
    parameters: [],
    help: 'show whether the guest runs',
    run: async ({ machine }) => {
      const { runstate, crash } = statusOf(machine);
      const isPlain = runstate === 'running' || runstate === 'paused';
      const state = runstate === 'running' ? 'running' : 'paused';
      return [
        `VM status: ${state}${isPlain ? '' : ` (${runstate})`}`,
        ...(crash === undefined ? [] : [crash]),
      ];
    },
  },
  {
    names: ['info version'],
    parameters: [],
    help: 'show the versions of v86, runtime and keeper',
    run: async ({ machine }) => {
      const { v86Version, runtimeId } = statusOf(machine);
      return [
        `v86 ${v86Version} (runtime ${runtimeId})`,
        `Holdfast keeper with ABI ${machine.keeper.abiVersion} (instance ${machine.keeper.instanceId})`,
      ];
    },
  },
  {
    names: ['info network'],
    parameters: [],
    help: 'show the network device, where its traffic goes, and its connections',
    run: async ({ machine }) => networkLines(await machine.infoNetwork()),
  },
  {
    names: ['info registers'],
    parameters: [],
    help: 'show the registers of the CPU',
    run: async ({ machine }) => formatRegisters(await machine.infoRegisters()),
  },
  {
    names: ['info ramblocks', 'info ramblock'],
    options: [{ letter: 'd' }],
    parameters: [],
    help: 'show the blocks of guest memory, with -d their digests',
    run: async ({ machine }, args) => ramBlockLines(machine, args.hasOption('d')),
  },
  {
    names: ['info cpr'],
    parameters: [],
    help: 'show what cprsave and cprload would do now, and what the last restart took',
    run: async ({ machine }) => cprLines(machine),
  },
  {
    names: ['info blockers'],
    parameters: [{ name: 'mode', kind: 'mode', optional: true }],
    help: 'show why cprsave would be refused now',
    run: async ({ machine }, args) => {
      const mode = args.optional('mode');
      const modes = mode === undefined ? cprModes : [parseMode('info blockers', mode)];
      const lines: string[] = [];
      for (const each of modes) lines.push(...blockerLines(each, await machine.cprBlockers(each)));
      return lines;
    },
  },
  {
    names: ['info history'],
    parameters: [],
    help: 'show the lines that were entered',
    run: async ({ history }) => history.map((line, index) => `${index}: '${line}'`),
  },
];

/** @throws HoldfastError `bad-command` */
export function parseMode(command: string, text: string): CprMode {
  const mode = cprModes.find((known) => known === text);
  if (mode) return mode;
  throw new HoldfastError('bad-command', `${command}: invalid mode '${text}': restart or reboot`);
}

/** @throws HoldfastError `no-machine` */
function statusOf({ status }: Pick<MonitorMachine, 'status'>): MachineStatus {
  if (status) return status;
  throw new HoldfastError('no-machine', 'There is no machine: start one first.');
}

async function ramBlockLines(machine: MonitorMachine, digests: boolean): Promise<string[]> {
  const blocks = await machine.ramBlocks({ digests });
  const hex = (value: number | undefined) =>
    value === undefined ? '' : `0x${value.toString(16).padStart(8, '0')}`;
  const lines = table(
    ['Block Name', 'Offset', 'Guest', 'Size', ...(digests ? ['Digest'] : [])],
    blocks.map(({ name, address, guestAddress, partOf, sizeBytes, digest = '' }) => [
      partOf === undefined ? name : `  ${name}`,
      hex(address),
      hex(guestAddress),
      hex(sizeBytes),
      ...(digests ? [digest] : []),
    ]),
  );
  if (blocks.some(({ moving }) => moving))
    lines.push('The guest runs: these digests are of no single moment. Stop it first.');
  return lines;
}

async function cprLines(machine: MonitorMachine): Promise<string[]> {
  const { runstate, restarts, lastPauseMs } = statusOf(machine);
  const lines = [
    `Restarts in place: ${restarts}${lastPauseMs === undefined ? '' : `, the last with a pause of ${lastPauseMs.toFixed(1)} ms`}`,
  ];
  if (runstate === 'inmigrate')
    return [
      ...lines,
      'The machine waits for a state. cprload FILE resumes from it, cpr_cancel resumes without it.',
    ];
  for (const mode of cprModes) {
    const blockers = await machine.cprBlockers(mode);
    lines.push(...blockerLines(mode, blockers));
  }
  return lines;
}

function blockerLines(mode: CprMode, blockers: readonly Blocker[]): string[] {
  if (blockers.length === 0) return [`${mode}: nothing is in the way`];
  return [
    `${mode}: blocked`,
    ...blockers.map((blocker) => `  ${blockerSentence(blocker)} (${blocker.code})`),
  ];
}

/**
 * Formats columns as wide as their widest cell; the first is aligned to the left, all others to the
 * right.
 */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
}
