/** Finds what is wrong with options before anything is fetched or started. */
import { CprError } from '../../errors.ts';
import type { MachineOptions, OptionProblem } from './machine-options.ts';
import { isAllowed, optionRules } from './schema.ts';

/** v86 puts an initrd at 64 MiB; above it there must be room for it. */
const leastWithInitrdMiB = 80;
const usualMemoryMiB = 128;

const isOption = (name: string): name is keyof MachineOptions => Object.hasOwn(optionRules, name);

/** Everything that is wrong, first each option by itself, then what does not go together. */
export function checkOptions(options: unknown): OptionProblem[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const allowed = 'an object with the options of a machine';
    return [{ option: 'options', given: describe(options), allowed }];
  }
  const problems: OptionProblem[] = [];
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const given = describe(value);
    if (!isOption(option)) {
      const allowed = `one of the options ${Object.keys(optionRules).join(', ')}`;
      problems.push({ option, given, allowed });
    } else if (!isAllowed(optionRules[option], value)) {
      problems.push({ option, given, allowed: optionRules[option].allowed });
    }
  }
  return problems.length > 0 ? problems : [...checkTogether(options)];
}

/** @throws CprError `bad-config`, whose message names each option and what is allowed */
export function requireOptions(options: unknown): asserts options is MachineOptions {
  const problems = checkOptions(options);
  if (problems.length > 0) throw new CprError('bad-config', problems.map(sentence).join(' '));
}

/** For people. */
export function sentence({ option, given, allowed }: OptionProblem): string {
  return `The option "${option}" may be ${allowed}; it is ${given}.`;
}

/** @param options of which each by itself is allowed */
function* checkTogether(options: MachineOptions): Generator<OptionProblem> {
  const { bzImage, multiboot, initrd, cmdline, memoryMiB = usualMemoryMiB } = options;
  const absent = (name: keyof MachineOptions) => options[name] === undefined;
  const kernel = bzImage ?? multiboot;
  const noKernel = 'given only together with bzImage or multiboot';
  if (bzImage && multiboot)
    yield { option: 'multiboot', given: 'given with bzImage', allowed: 'given only without it' };
  if (initrd && !kernel) yield { option: 'initrd', given: 'without either', allowed: noKernel };
  if (cmdline !== undefined && !kernel)
    yield { option: 'cmdline', given: 'without either', allowed: noKernel };
  if (options.hdb && absent('hda'))
    yield { option: 'hdb', given: 'without it', allowed: 'given only together with hda' };
  if (bzImage && initrd && memoryMiB < leastWithInitrdMiB) {
    const allowed = `${leastWithInitrdMiB} MiB or more with an initrd, which v86 puts at 64 MiB`;
    yield { option: 'memoryMiB', given: String(memoryMiB), allowed };
  }
  if (options.network === 'none') {
    for (const option of ['networkBackend', 'mac'] as const) {
      const isNone = options[option] === 'none';
      if (absent(option) || isNone) continue;
      yield { option, given: "given with 'none'", allowed: 'given only with a network device' };
    }
  }
  const canBoot = ['hda', 'cdrom', 'fda', 'bios'] as const;
  const fromNetwork = options.bootOrder?.includes('network');
  if (!kernel && !fromNetwork && canBoot.every(absent)) {
    const allowed = "hda, cdrom, fda, bzImage, multiboot, or 'network' in bootOrder";
    yield { option: 'what it boots', given: 'missing', allowed };
  }
}

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
