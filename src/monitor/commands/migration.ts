/** Commands for migration, with QEMU's names. */
import { HoldfastError } from '../../errors.ts';
import { blockerSentence } from '../../protocol/cpr.ts';
import type { MigrateOptions, MigrateReport, MigrationInfo } from '../../protocol/migration.ts';
import type { Arguments } from '../arguments.ts';
import type { Command, CommandContext } from '../command.ts';

/** QEMU's parameters and capabilities that a migration has here. */
const parameters: Record<string, (value: number) => MigrateOptions> = {
  'downtime-limit': (downtimeLimitMs) => ({ downtimeLimitMs }),
  'max-bandwidth': (maxBandwidth) => ({ maxBandwidth }),
};
const capabilities: Record<string, (isOn: boolean) => MigrateOptions> = {
  'pause-before-switchover': (pauseBeforeSwitchover) => ({ pauseBeforeSwitchover }),
  'auto-converge': (autoConverge) => ({ autoConverge }),
};
/** QEMU's modes, and the command that does each of them here. */
const modes: Record<string, string> = {
  normal: 'migrate URI moves the guest to another keeper.',
  'cpr-reboot': 'cprsave FILE reboot saves the guest to storage, and cprload FILE resumes it.',
  'cpr-exec':
    'cprsave FILE restart holds the guest for another runtime; restart does both at once.',
  'cpr-transfer': 'migrate URI moves the guest to another keeper of this browser.',
};

export const migrationCommands: readonly Command[] = [
  {
    names: ['migrate'],
    options: [{ letter: 'd' }],
    parameters: [{ name: 'uri', kind: 'string' }],
    help: 'move the running guest to another keeper, such as worker:NAME; with -d do not wait for the end',
    run: async (context, args) => {
      const moving = move(context, args);
      if (!args.hasOption('d')) return ended(await moving);
      moving.catch(() => {});
      return 'The migration has begun: info migrate shows it.';
    },
  },
  {
    names: ['migrate_incoming'],
    options: [{ letter: 'r' }],
    parameters: [{ name: 'uri', kind: 'string' }],
    help: 'take the guest that another keeper sends, such as tab:NAME; with -r it replaces the one here',
    run: async ({ machine, origins }, args) => {
      const uri = args.text('uri');
      const from = await origins?.(uri);
      if (!from)
        throw new HoldfastError(
          'bad-command',
          `migrate_incoming: there is no source '${uri}' here`,
        );
      const { machineId } = await machine.migrateIncoming(from, { replace: args.hasOption('r') });
      return `The guest of machine "${machineId}" runs here.`;
    },
  },
  {
    names: ['keeper_upgrade'],
    options: [{ letter: 'f' }],
    parameters: [],
    help: 'move the running guest to the keeper that the site serves; with -f although something would not follow',
    run: async ({ machine }, args) => {
      const report = await machine.upgradeKeeper({ override: args.hasOption('f') });
      if (!report) return 'The site serves the keeper that runs.';
      const { to, downtimeMs } = report;
      const pause =
        downtimeMs === undefined ? '' : `, and stood still for ${downtimeMs.toFixed(1)} ms`;
      return `The guest moved to the keeper ${to.name}${pause}.`;
    },
  },
  {
    names: ['migrate_cancel'],
    parameters: [],
    help: 'give the migration up; the guest runs on here',
    run: async ({ machine }) => {
      await machine.migrateCancel();
      return undefined;
    },
  },
  {
    names: ['migrate_continue'],
    parameters: [{ name: 'state', kind: 'string', optional: true }],
    help: 'end the wait of pause-before-switchover',
    run: async ({ machine }) => {
      await machine.migrateContinue();
      return undefined;
    },
  },
  {
    names: ['migrate_set_parameter'],
    parameters: [
      { name: 'parameter', kind: 'string' },
      { name: 'value', kind: 'string' },
    ],
    help: 'set downtime-limit (ms) or max-bandwidth (bytes a second), or show what does a mode here',
    run: async ({ machine }, args) => {
      const name = args.text('parameter');
      if (name === 'mode') return chosen('mode', modes, args.text('value'));
      const parameter = chosen('parameter', parameters, name);
      await machine.migrateSetParameters(parameter(Number(args.text('value'))));
      return undefined;
    },
  },
  {
    names: ['migrate_set_capability'],
    parameters: [
      { name: 'capability', kind: 'string' },
      { name: 'state', kind: 'string' },
    ],
    help: 'switch pause-before-switchover or auto-converge on or off',
    run: async ({ machine }, args) => {
      const capability = chosen('capability', capabilities, args.text('capability'));
      const isOn = chosen('state', { on: true, off: false }, args.text('state'));
      await machine.migrateSetParameters(capability(isOn));
      return undefined;
    },
  },
  {
    names: ['info migrate'],
    parameters: [],
    help: 'show the present or last migration',
    run: async ({ machine }) => infoLines(await machine.migrationInfo()),
  },
];

async function move({ machine, targets }: CommandContext, args: Arguments): Promise<MigrateReport> {
  const uri = args.text('uri');
  const target = await targets?.(uri);
  if (!target)
    throw new HoldfastError('bad-command', `migrate: there is no destination '${uri}' here`);
  return machine.migrate(target);
}

const ended = ({ downtimeMs, totalMs }: MigrateReport) =>
  `The guest has moved: it stood still for ${downtimeMs.toFixed(1)} ms, and all took ${totalMs.toFixed(0)} ms.`;

/** Names the parts of the downtime. */
function partsOf({ downtimeParts }: MigrationInfo): string {
  const parts = Object.entries(downtimeParts ?? {});
  if (parts.length === 0) return '';
  return ` (${parts.map(([name, ms]) => `${name.slice(0, -2)} ${ms.toFixed(1)}`).join(', ')})`;
}

function infoLines(info: MigrationInfo): string[] {
  if (info.status === 'none') return ['There was no migration.'];
  const kbytes = (bytes: number) => `${Math.round(bytes / 1024)} kbytes`;
  return [
    `Migration status: ${info.status}`,
    ...(info.error ? [`error: ${info.error.message}`] : []),
    ...(info.cut ?? []).map((blocker) => `did not follow: ${blockerSentence(blocker)}`),
    ...(info.isRelayed ? ['tcp connections: relayed by this host until they end'] : []),
    `total time: ${info.totalMs.toFixed(0)} ms`,
    info.downtimeMs === undefined
      ? `expected downtime: ${info.expectedDowntimeMs.toFixed(0)} ms`
      : `downtime: ${info.downtimeMs.toFixed(1)} ms${partsOf(info)}`,
    `transferred ram: ${kbytes(info.transferredBytes)}`,
    `throughput: ${((info.bandwidth * 8) / 1e6).toFixed(2)} mbps`,
    `remaining ram: ${kbytes(info.remainingBytes)}`,
    ...(info.totalBytes ? [`total ram: ${kbytes(info.totalBytes)}`] : []),
    `duplicate: ${info.duplicatePages} pages`,
    `dirty sync count: ${info.rounds}`,
    `dirty pages rate: ${info.dirtyPagesRate} pages`,
    ...(info.throttlePercent > 0 ? [`cpu throttle percentage: ${info.throttlePercent}`] : []),
  ];
}

/** @throws HoldfastError `bad-command` with the words that are allowed */
function chosen<T>(what: string, words: Record<string, T>, given: string): T {
  if (Object.hasOwn(words, given)) return words[given] as T;
  const allowed = Object.keys(words).join(', ');
  throw new HoldfastError('bad-command', `invalid ${what} '${given}': ${allowed}`);
}
