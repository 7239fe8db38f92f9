/** What the address of the page may ask for. No DOM. */
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { defaultMachineId, isMachineId } from '../../client/machine-id.ts';
import { fileUrl } from './file-url.ts';
import { type UnknownOption, unknownOptions } from './unknown-options.ts';
import { machineOptionHelp, parseUrlMachine, type UrlMachine } from './url-machine.ts';

const guestNames = ['linux', 'pattern-text', 'pattern-graphics'] as const;
export type GuestName = (typeof guestNames)[number];

/** Documented in the help dialog. */
export const optionHelp = [
  ['?m=256', 'RAM of the guest in MiB, 16 to 2047; for Linux at least 80'],
  ['?guest=linux', 'what to boot: linux, pattern-text or pattern-graphics'],
  ['?boot=cold', 'boots the guest; without it the demo guest is opened at its prompt'],
  ['?state=a.vmstate', 'a state file to open, as a machine of its own'],
  ['#s=…', 'a small state in the address itself, which “Share” makes'],
  ['?runtime=0.5.462', 'emulator of the first boot: a v86 version or the id of a runtime'],
  ['?machine=two', 'another machine: each name has one of its own, with its own storage'],
  ['?durable=off', 'no checkpoints: the guest is lost when its worker ends'],
  ['?host=dedicated', 'a worker that ends with this page, as in browsers without a lasting one'],
  ...machineOptionHelp,
  ['?c=ls', 'text to type on the keyboard once the guest is up, with Enter'],
  ['?s=ls', 'the same on the serial console'],
] as const satisfies readonly (readonly [string, string])[];

export interface UrlOptions {
  guest: GuestName;
  /** Absent: what the guest's own description says. */
  memoryMiB?: number;
  /** Absent: the newest. */
  runtime?: RuntimeBuild;
  host: 'auto' | 'dedicated';
  machineId: string;
  /** Whether the address names the machine; if not, a state or a description makes one of its own. */
  hasMachineId: boolean;
  durable: boolean;
  /** What the address says about the machine in v86's words. */
  machine?: UrlMachine;
  /** Whether `guest` is in the address: a described machine is then that guest with changes. */
  hasGuest: boolean;
  /** Boots the guest although there is a state of it at its prompt. */
  coldBoot?: boolean;
  /** A state file to open. */
  state?: StateSource;
  /** To be typed once the guest is up. */
  typed?: { keyboard?: string; serial?: string };
}

/** A state that the address names or holds, or that another page has left for this one. */
export type StateSource = { url: string } | { payload: string } | { handoff: string };

/** An option whose value is not acceptable. */
export interface OptionProblem {
  option: string;
  value: string;
  /** Completes the sentence "It may be …". Empty where there is no such option. */
  allowed: string;
  /** The option that was probably meant. */
  meant?: string;
}

type UrlOptionsResult =
  /** `unknown` are options that are like none of ours. */
  | { ok: true; options: UrlOptions; unknown?: UnknownOption[] }
  | { ok: false; problems: OptionProblem[] };

// Above v86's fixed initrd address of 64 MiB there must be room for the initrd itself.
const leastMemoryMiB: Record<GuestName, number> = {
  linux: 80,
  'pattern-text': 16,
  'pattern-graphics': 16,
};
const mostMemoryMiB = 2047;

/**
 * @param address the whole of it: `location.href`. An option that is probably a misspelt one of ours is
 * a problem, others that are not ours are left alone.
 * @param base what relative addresses in it are relative to; absent: the address
 */
export function parseUrlOptions(
  address: string,
  runtimes: readonly RuntimeBuild[],
  base = address,
): UrlOptionsResult {
  const { searchParams: query, hash } = new URL(address);
  const problems: OptionProblem[] = [];
  const refuse = (option: string, value: string, allowed: string) => {
    problems.push({ option, value, allowed });
  };
  const options: UrlOptions = {
    guest: 'linux',
    host: 'auto',
    machineId: defaultMachineId,
    hasMachineId: false,
    hasGuest: false,
    durable: true,
  };

  const guest = query.get('guest');
  if (guest !== null) {
    const known = guestNames.find((name) => name === guest);
    if (known) Object.assign(options, { guest: known, hasGuest: true });
    else refuse('guest', guest, oneOf(guestNames));
  }

  const described = parseUrlMachine(query, base, refuse);
  if (described) options.machine = described;
  const state = stateSource(query, hash, base, refuse);
  if (state) options.state = state;
  const [keyboard, serial] = [query.get('c'), query.get('s')];
  if (keyboard || serial) {
    options.typed = { ...(keyboard && { keyboard }), ...(serial && { serial }) };
  }

  const memory = query.get('m');
  if (memory !== null) {
    const mib = /^\d{1,5}$/.test(memory) ? Number(memory) : Number.NaN;
    const least = leastMemory(options);
    if (mib >= least && mib <= mostMemoryMiB) options.memoryMiB = mib;
    else refuse('m', memory, `a whole number of MiB from ${least} to ${mostMemoryMiB}`);
  }

  const boot = query.get('boot');
  if (boot !== null) {
    if (boot === 'cold' || boot === 'prompt') options.coldBoot = boot === 'cold';
    else refuse('boot', boot, oneOf(['cold', 'prompt']));
  }

  const runtime = query.get('runtime');
  if (runtime !== null) {
    const known = runtimes.find(({ id, v86Version }) => id === runtime || v86Version === runtime);
    if (known) options.runtime = known;
    else refuse('runtime', runtime, oneOf(runtimes.flatMap((r) => [r.v86Version, r.id])));
  }

  const host = query.get('host');
  if (host !== null) {
    if (host === 'auto' || host === 'dedicated') options.host = host;
    else refuse('host', host, oneOf(['auto', 'dedicated']));
  }

  const machine = query.get('machine');
  if (machine !== null) {
    if (isMachineId(machine)) Object.assign(options, { machineId: machine, hasMachineId: true });
    else refuse('machine', machine, '1 to 64 lower-case letters, digits and “-”');
  }

  const durable = query.get('durable');
  if (durable !== null) {
    if (durable === 'on' || durable === 'off') options.durable = durable === 'on';
    else refuse('durable', durable, oneOf(['on', 'off']));
  }

  const unknown = unknownOptions(query);
  for (const { option, value, meant } of unknown)
    if (meant !== undefined) problems.push({ option, value, allowed: '', meant });
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, options, ...(unknown.length > 0 && { unknown }) };
}

function leastMemory({ machine, guest, hasGuest }: UrlOptions): number {
  const isOwn = machine && bringsItsOwnSystem(machine) && !hasGuest;
  if (!isOwn) return leastMemoryMiB[guest];
  return machine.images.initrd ? leastMemoryMiB.linux : leastMemoryMiB['pattern-text'];
}

/** Whether there is something to boot from in the description itself. */
export const bringsItsOwnSystem = ({ images: { bios: _, vgaBios: _vga, ...images } }: UrlMachine) =>
  Object.values(images).some((source) => 'url' in source);

function stateSource(
  query: URLSearchParams,
  hash: string,
  base: string,
  refuse: (option: string, value: string, allowed: string) => void,
): StateSource | undefined {
  const payload = new URLSearchParams(hash.slice(1)).get('s');
  if (payload !== null) {
    if (/^[A-Za-z0-9_-]+$/.test(payload)) return { payload };
    refuse('#s', `${payload.slice(0, 20)}…`, 'what “Share” has made, complete');
  }
  const handoff = query.get('opened');
  if (handoff !== null) {
    if (isMachineId(handoff)) return { handoff };
    refuse('opened', handoff, 'what “Open state file…” has made');
  }
  const value = query.get('state');
  if (value === null) return undefined;
  const url = fileUrl(value, base);
  if (url) return { url };
  refuse(
    'state',
    value,
    'an address of a state file, relative to this page or with http: or https:',
  );
  return undefined;
}

function oneOf(values: readonly string[]): string {
  const last = values.at(-1) ?? '';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}
