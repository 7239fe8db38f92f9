/** Kinds of values with members: the CPU, limits, the boot order and the 9p share. */
import * as v from 'valibot';
import { type BootDevice, bootDevices, type CpuOptions } from '../config.ts';
import type { NinepInput } from './machine-options.ts';
import type { ValueKind } from './option.ts';
import { integer } from './simple-kinds.ts';
import { fetchableUrl } from './source-kinds.ts';
import { asFlag, asList, asMembers, asNumber } from './text-values.ts';

const cpuMembers = {
  cpuidLevel: v.optional(integer(1, 22)),
  jit: v.optional(v.boolean()),
} satisfies Record<keyof CpuOptions, v.GenericSchema>;
export const cpu: ValueKind = {
  allowed: '{ cpuidLevel: 1 to 22, jit: true or false }',
  schema: v.strictObject(cpuMembers),
  fromText: asMembers({ cpuidLevel: asNumber, jit: asFlag }),
  inFile: () => v.object(cpuMembers),
};

const limitMiB = v.optional(integer(1, 2 ** 20));
export const limits: ValueKind = {
  allowed: '{ shareMiB, diskMiB }, whole numbers of MiB from 1 to 1048576',
  schema: v.strictObject({ shareMiB: limitMiB, diskMiB: limitMiB }),
  fromText: asMembers({ shareMiB: asNumber, diskMiB: asNumber }),
};

/** SeaBIOS reads the order from CMOS: a digit for each device, the first one lowest. */
const bootDigits: Record<BootDevice, number> = { fda: 1, hda: 2, cdrom: 3, network: 4 };

export const bootOrder: ValueKind = {
  allowed: `some of ${bootDevices.join(', ')}, each once, in the order to try them in`,
  schema: v.pipe(
    v.array(v.picklist(bootDevices)),
    v.minLength(1),
    v.check((devices) => new Set(devices).size === devices.length),
  ),
  fromText: asList,
  toConfig: (devices: readonly BootDevice[]) =>
    devices.reduce((order, device, place) => order | (bootDigits[device] << (4 * place)), 0),
  inFile: () => integer(0, 0xffff),
};

/** v86's digits, the first device last; a device that is named twice is tried where it comes first. */
export function bootOrderOfDigits(digits: string): unknown {
  if (!/^[1-3]{1,3}$/.test(digits)) return digits;
  const named = [...digits]
    .reverse()
    .flatMap((digit) => bootDevices.find((device) => bootDigits[device] === Number(digit)) ?? []);
  return [...new Set(named)];
}

export const share: ValueKind = {
  allowed: 'true, false, { index: URL, base: URL }, or the files of a folder',
  schema: v.union([
    v.boolean(),
    v.strictObject({ index: fetchableUrl, base: v.optional(fetchableUrl) }),
    v.strictObject({
      files: v.array(v.object({ path: v.pipe(v.string(), v.nonEmpty()), file: v.instance(Blob) })),
    }),
    v.array(v.instance(Blob)),
  ]),
  /** On, off, or the URL of an index. */
  fromText: (text) => {
    const flag = asFlag(text);
    return typeof flag === 'boolean' ? flag : { index: text };
  },
  toConfig: (input: NinepInput) => input !== false,
  inFile: () => v.boolean(),
};
