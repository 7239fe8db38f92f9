/** Finds what is wrong with options before anything is fetched or started: the one check of all of them. */
import { HoldfastError } from '../../errors.ts';
import type { MachineOptions, OptionProblem } from './machine-options.ts';
import { isAllowed } from './option.ts';
import { optionNames, optionTable } from './option-table.ts';

/** v86 puts an initrd at 64 MiB; the RAM above must have room for it. */
const leastWithInitrdMiB = 80;
const usualMemoryMiB = 128;

const isOption = (name: string): name is keyof MachineOptions => Object.hasOwn(optionTable, name);

/** Returns all problems: first those of single options, then those of combinations. */
export function checkOptions(options: unknown): OptionProblem[] {
  const problems = checkEach(options);
  return problems.length > 0 ? problems : [...checkTogether(options as MachineOptions)];
}

/** Checks each option by itself. */
export function checkEach(options: unknown): OptionProblem[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const allowed = 'an object with the options of a machine';
    return [{ option: 'options', given: describe(options), allowed }];
  }
  const problems: OptionProblem[] = [];
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const given = describe(value);
    if (!isOption(option)) {
      const allowed = `one of the options ${optionNames.join(', ')}`;
      problems.push({ option, given, allowed });
    } else if (!isAllowed(optionTable[option], value)) {
      problems.push({ option, given, allowed: optionTable[option].allowed });
    }
  }
  return problems;
}

/** @throws HoldfastError `bad-config`, whose message names each option and its allowed values */
export function requireOptions(options: unknown): asserts options is MachineOptions {
  const problems = checkOptions(options);
  if (problems.length > 0) throw new HoldfastError('bad-config', problems.map(sentence).join(' '));
}

/** Formats a problem for users. */
export function sentence({ option, given, allowed }: OptionProblem): string {
  return `The option "${option}" may be ${allowed}; it is ${given}.`;
}

/** A machine that needs nothing but its options. @param options of which each by itself is allowed */
export function* checkTogether(options: MachineOptions): Generator<OptionProblem> {
  yield* checkConflicts(options);
  const { bzImage, multiboot, initrd, cmdline, memoryMiB = usualMemoryMiB } = options;
  const kernel = bzImage ?? multiboot;
  if (cmdline !== undefined && !kernel) yield withoutKernel('cmdline');
  if (bzImage && initrd && memoryMiB < leastWithInitrdMiB) {
    const allowed = `${leastWithInitrdMiB} MiB or more with an initrd, which v86 puts at 64 MiB`;
    yield { option: 'memoryMiB', given: String(memoryMiB), allowed };
  }
  const canBoot = ['hda', 'cdrom', 'fda', 'bios'] as const;
  const fromNetwork = options.bootOrder?.includes('network');
  if (!kernel && !fromNetwork && canBoot.every((name) => options[name] === undefined)) {
    const allowed = "hda, cdrom, fda, bzImage, multiboot, or 'network' in bootOrder";
    yield { option: 'what it boots', given: 'missing', allowed };
  }
}

/**
 * Finds options that exclude or need each other.
 * @param options of which each by itself is allowed
 * @param nameOf the name of an option where they were given
 */
export function* checkConflicts(
  options: MachineOptions,
  nameOf: (option: keyof MachineOptions) => string = (option) => option,
): Generator<OptionProblem & { option: keyof MachineOptions }> {
  const { bzImage, multiboot, initrd, hda, hdb, network } = options;
  if (bzImage && multiboot) {
    const allowed = `given only without ${nameOf('bzImage')}`;
    yield { option: 'multiboot', given: `given with ${nameOf('bzImage')}`, allowed };
  }
  if (initrd && !bzImage && !multiboot) yield withoutKernel('initrd', nameOf);
  if (hdb && !hda) {
    const allowed = `given only together with ${nameOf('hda')}`;
    yield { option: 'hdb', given: 'without it', allowed };
  }
  if (network !== 'none') return;
  for (const option of ['networkBackend', 'mac'] as const) {
    const given = options[option];
    const isNone = Object(given).kind === 'none' || given === 'none';
    if (given === undefined || isNone) continue;
    yield { option, given: "given with 'none'", allowed: 'given only with a network device' };
  }
}

const withoutKernel = <K extends keyof MachineOptions>(
  option: K,
  nameOf: (option: keyof MachineOptions) => string = (name) => name,
) => ({
  option,
  given: 'without either',
  allowed: `given only together with ${nameOf('bzImage')} or ${nameOf('multiboot')}`,
});

function describe(value: unknown): string {
  if (value instanceof Blob) return `a file of ${value.size} bytes`;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `${value.byteLength} bytes`;
  }
  if (typeof value === 'string') return `"${shortened(value)}"`;
  if (typeof value !== 'object' || value === null) return String(value);
  return shortened(JSON.stringify(value) ?? String(value));
}

const shortened = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
