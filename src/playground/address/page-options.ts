/**
 * The options of the page itself: which guest, machine, keeper and runtime. Those that describe a machine
 * are in src/protocol/options/option-table.ts. The page's preload script reads these alone. No DOM.
 */
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { defaultMachineId, isMachineId } from '../../client/machine-id.ts';
import { fileUrl } from '../../protocol/options/foreign-url.ts';
import type { UrlMachine } from './url-machine.ts';

const guestNames = ['linux', 'pattern-text', 'pattern-graphics'] as const;
export type GuestName = (typeof guestNames)[number];

export interface UrlOptions {
  guest: GuestName;
  /** Absent: the memory of the guest's description. */
  memoryMiB?: number;
  /** Absent: the newest. */
  runtime?: RuntimeBuild;
  host: 'auto' | 'dedicated';
  machineId: string;
  /**
   * Whether the address names the machine. If not, a state or a description gets a machine of its own.
   */
  hasMachineId: boolean;
  durable: boolean;
  /** The machine that the address describes in v86's words. */
  machine?: UrlMachine;
  /** Whether `guest` is in the address: a described machine is then that guest with changes. */
  hasGuest: boolean;
  /** Boots the guest even if a state at its prompt exists. */
  coldBoot?: boolean;
  /** A state file to open. */
  state?: StateSource;
  /** Keys and text to type once the guest is up. */
  typed?: { keyboard?: string; serial?: string };
}

/** A state that the address names or holds, or that another page has left for this one. */
export type StateFileSource = { url: string } | { payload: string } | { handoff: string };

/** `sent`: a machine that another device hands over, by what is behind `#send=`. */
export type StateSource = StateFileSource | { sent: string };

/** An option whose value is not acceptable. */
export interface UrlProblem {
  option: string;
  value: string;
  /** Completes the sentence "It may be …". Empty where there is no such option. */
  allowed: string;
  /** The option that was probably meant. */
  meant?: string;
}

/** Address that relative addresses and options are read from. */
export interface AddressContext {
  runtimes: readonly RuntimeBuild[];
  /** Base of relative addresses. */
  base: string;
  /** The machine that the address describes. */
  machine?: UrlMachine | undefined;
}

interface Reading extends AddressContext {
  /** Options that were read so far. */
  options: UrlOptions;
}

interface PageOption {
  /** `#s` is the name of an option behind the "#". */
  name: string;
  /** An example and its effect. Absent: the page writes the option for itself. */
  help?: readonly [example: string, meaning: string];
  /** @returns the options that the text sets; or, as text, the allowed values: completes "It may be …" */
  read(text: string, reading: Reading): Partial<UrlOptions> | string;
}

// The initrd needs room above v86's fixed initrd address of 64 MiB.
const leastMemoryMiB: Record<GuestName, number> = {
  linux: 80,
  'pattern-text': 16,
  'pattern-graphics': 16,
};
const mostMemoryMiB = 2047;

/** The first option of the table takes precedence. */
const unlessSet = (state: StateSource, { options }: Reading): Partial<UrlOptions> =>
  options.state ? {} : { state };

const pageOptions: readonly PageOption[] = [
  {
    name: 'guest',
    help: ['?guest=linux', 'what to boot: linux, pattern-text or pattern-graphics'],
    read: (text) => {
      const guest = guestNames.find((name) => name === text);
      return guest ? { guest, hasGuest: true } : oneOf(guestNames);
    },
  },
  {
    name: 'm',
    help: ['?m=256', 'RAM of the guest in MiB, 16 to 2047; for Linux at least 80'],
    read: (text, { options }) => {
      const memoryMiB = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
      const least = leastMemory(options);
      return memoryMiB >= least && memoryMiB <= mostMemoryMiB
        ? { memoryMiB }
        : `a whole number of MiB from ${least} to ${mostMemoryMiB}`;
    },
  },
  {
    name: 'boot',
    help: ['?boot=cold', 'boots the guest; without it the demo guest is opened at its prompt'],
    read: (text) =>
      text === 'cold' || text === 'prompt'
        ? { coldBoot: text === 'cold' }
        : oneOf(['cold', 'prompt']),
  },
  {
    name: '#s',
    help: ['#s=…', 'a small state in the address itself, which “Share” makes'],
    read: (payload, reading) =>
      /^[A-Za-z0-9_-]+$/.test(payload)
        ? unlessSet({ payload }, reading)
        : 'what “Share” has made, complete',
  },
  {
    name: '#send',
    help: ['#send=…', 'the running machine of another device, which “Share” hands over'],
    read: (sent, reading) =>
      /^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}$/.test(sent)
        ? unlessSet({ sent }, reading)
        : 'what “Share” has made, complete',
  },
  {
    name: 'opened',
    read: (handoff, reading) =>
      isMachineId(handoff) ? unlessSet({ handoff }, reading) : 'what “Open state file…” has made',
  },
  {
    name: 'state',
    help: ['?state=a.holdfast', 'a state file to open, as a machine of its own'],
    read: (text, reading) => {
      const url = fileUrl(text, reading.base);
      return url === undefined
        ? 'an address of a state file, relative to this page or with http: or https:'
        : unlessSet({ url }, reading);
    },
  },
  {
    name: 'runtime',
    help: ['?runtime=0.5.462', 'emulator of the first boot: a v86 version or the id of a runtime'],
    read: (text, { runtimes }) => {
      const runtime = runtimes.find(({ id, v86Version }) => id === text || v86Version === text);
      return runtime ? { runtime } : oneOf(runtimes.flatMap((r) => [r.v86Version, r.id]));
    },
  },
  {
    name: 'machine',
    help: ['?machine=two', 'another machine: each name has one of its own, with its own storage'],
    read: (machineId) =>
      isMachineId(machineId)
        ? { machineId, hasMachineId: true }
        : '1 to 64 lower-case letters, digits and “-”',
  },
  {
    name: 'durable',
    help: ['?durable=off', 'no checkpoints: the guest is lost when its worker ends'],
    read: (text) =>
      text === 'on' || text === 'off' ? { durable: text === 'on' } : oneOf(['on', 'off']),
  },
  {
    name: 'host',
    help: [
      '?host=dedicated',
      'a worker that ends with this page, as in browsers without a lasting one',
    ],
    read: (host) =>
      host === 'auto' || host === 'dedicated' ? { host } : oneOf(['auto', 'dedicated']),
  },
  {
    name: 'c',
    help: ['?c=ls', 'text to type on the keyboard once the guest is up, with Enter'],
    read: (keyboard, { options }) => (keyboard ? { typed: { ...options.typed, keyboard } } : {}),
  },
  {
    name: 's',
    help: ['?s=ls', 'the same on the serial console'],
    read: (serial, { options }) => (serial ? { typed: { ...options.typed, serial } } : {}),
  },
];

/** For the help dialog. */
export const pageOptionHelp = pageOptions.flatMap(({ help }) => (help ? [help] : []));

/** Names of the options before the "#". */
export const pageOptionNames: readonly string[] = pageOptions
  .map(({ name }) => name)
  .filter((name) => !name.startsWith('#'));

/** Reads the page's own options. @param address a whole address: `location.href` */
export function parsePageOptions(
  address: string,
  context: AddressContext,
): { options: UrlOptions; problems: UrlProblem[] } {
  const { searchParams: query, hash } = new URL(address);
  const behindHash = new URLSearchParams(hash.slice(1));
  const options: UrlOptions = {
    guest: 'linux',
    host: 'auto',
    machineId: defaultMachineId,
    hasMachineId: false,
    hasGuest: false,
    durable: true,
    ...(context.machine && { machine: context.machine }),
  };
  const problems: UrlProblem[] = [];
  for (const { name, read } of pageOptions) {
    const isBehindHash = name.startsWith('#');
    const text = isBehindHash ? behindHash.get(name.slice(1)) : query.get(name);
    if (text === null) continue;
    const found = read(text, { ...context, options });
    if (typeof found !== 'string') Object.assign(options, found);
    else {
      const value = isBehindHash ? `${text.slice(0, 20)}…` : text;
      problems.push({ option: name, value, allowed: found });
    }
  }
  return { options, problems };
}

function leastMemory({ machine, guest, hasGuest }: UrlOptions): number {
  const isOwn = machine && bringsItsOwnSystem(machine) && !hasGuest;
  if (!isOwn) return leastMemoryMiB[guest];
  return machine.images.initrd ? leastMemoryMiB.linux : leastMemoryMiB['pattern-text'];
}

/** Whether the description has something to boot from. */
export const bringsItsOwnSystem = ({ images: { bios: _, vgaBios: _vga, ...images } }: UrlMachine) =>
  Object.values(images).some((source) => 'url' in source);

function oneOf(values: readonly string[]): string {
  const last = values.at(-1) ?? '';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}
