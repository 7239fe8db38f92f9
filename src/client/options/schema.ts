/** Schema of each option: API, page and address are checked against it. */
import * as v from 'valibot';
import { baseUrl } from '../../protocol/base-url.ts';
import { bootDevices, type DriveName } from '../../protocol/config.ts';
import { diskLimit } from '../../protocol/disk-size.ts';
import { keyboardLayouts } from '../../protocol/keyboard-layouts.ts';
import type { MachineOptions } from './machine-options.ts';

interface OptionRule {
  /** Completes the sentence "… may be". */
  allowed: string;
  schema: v.GenericSchema;
}

/** Base for checking relative URLs where there is no page yet. */
const anyBase = 'http://localhost/';
/** `file:` is for Node; a page's own fetch refuses it. */
const fetchable = ['http:', 'https:', 'blob:', 'data:', 'file:'];
const url = v.pipe(
  v.string(),
  v.nonEmpty(),
  v.check((text) => {
    const parsed = URL.parse(text, baseUrl() ?? anyBase);
    return parsed !== null && fetchable.includes(parsed.protocol);
  }),
);
const wholeNumber = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const sizeBytes = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const sectors = (most: number) => v.pipe(wholeNumber(512, most), v.multipleOf(512));

const bytesOf = v.union([v.instance(Uint8Array), v.instance(ArrayBuffer)]);
const someBytes = v.pipe(
  bytesOf,
  v.check(({ byteLength }) => byteLength > 0),
);
const someFile = v.pipe(
  v.instance(Blob),
  v.check(({ size }) => size > 0),
);
const imageForms = [
  url,
  v.instance(URL),
  someFile,
  someBytes,
  v.strictObject({ url, sizeBytes }),
  v.strictObject({ bytes: someBytes, sizeBytes }),
] as const;
const image: OptionRule = {
  allowed: 'a URL, a file that is not empty, or bytes',
  schema: v.union([...imageForms]),
};
const drive = (device: DriveName): OptionRule => {
  const { bytes: most, words } = diskLimit(device);
  const file = v.pipe(
    someFile,
    v.check(({ size }) => size <= most),
  );
  const sizeBytes = v.optional(wholeNumber(1, most));
  return {
    allowed:
      "a URL, a file that is not empty, bytes, { url, load: 'whole' or 'range' }, { url, load: 'parts', partBytes } " +
      `or { emptyBytes } in multiples of 512, ${words}`,
    schema: v.union([
      url,
      v.instance(URL),
      file,
      someBytes,
      v.strictObject({ bytes: someBytes, sizeBytes }),
      v.strictObject({ url, sizeBytes, load: v.optional(v.picklist(['whole', 'range'])) }),
      v.strictObject({ url, sizeBytes, load: v.literal('parts'), partBytes: sectors(most) }),
      v.strictObject({ file }),
      v.strictObject({ emptyBytes: sectors(most) }),
    ]),
  };
};

const address = (...schemes: string[]) =>
  v.pipe(
    v.string(),
    v.check((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol)),
  );
const isHost = (text: string) => URL.parse(`https://${text}/`)?.host === text.toLowerCase();
const webAddress = v.optional(address('http:', 'https:'));
const backends = v.union([
  v.picklist(['none', 'fetch']),
  v.strictObject({ kind: v.literal('none') }),
  v.strictObject({
    kind: v.literal('fetch'),
    corsProxy: webAddress,
    ownOrigin: v.optional(v.boolean()),
    privateAddresses: v.optional(v.boolean()),
  }),
  v.strictObject({
    kind: v.literal('wisp'),
    url: address('wisp:', 'wisps:', 'ws:', 'wss:'),
    dohServer: v.optional(v.pipe(v.string(), v.check(isHost))),
  }),
  v.strictObject({ kind: v.literal('inbrowser'), group: v.pipe(v.string(), v.nonEmpty()) }),
  v.strictObject({ kind: v.literal('wsproxy'), url: address('ws:', 'wss:') }),
]);

const onOff: OptionRule = { allowed: 'true or false', schema: v.boolean() };
const powersOfTwo = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export const optionRules: Readonly<Record<keyof MachineOptions, OptionRule>> = {
  name: { allowed: 'a text', schema: v.string() },
  memoryMiB: { allowed: 'a whole number of MiB from 16 to 2047', schema: wholeNumber(16, 2047) },
  vgaMemoryMiB: {
    allowed: 'a power of two from 1 to 256 (MiB)',
    schema: v.pipe(v.number(), v.picklist(powersOfTwo)),
  },
  cpu: {
    allowed: '{ cpuidLevel: 1 to 22, jit: true or false }',
    schema: v.strictObject({
      cpuidLevel: v.optional(wholeNumber(1, 22)),
      jit: v.optional(v.boolean()),
    }),
  },
  acpi: onOff,
  bootOrder: {
    allowed: `some of ${bootDevices.join(', ')}, each once, in the order to try them in`,
    schema: v.pipe(
      v.array(v.picklist(bootDevices)),
      v.minLength(1),
      v.check((devices) => new Set(devices).size === devices.length),
    ),
  },
  bios: image,
  vgaBios: image,
  bzImage: image,
  multiboot: image,
  initrd: image,
  cmdline: {
    allowed: 'a text of at most 2047 characters in one line',
    schema: v.pipe(v.string(), v.maxLength(2047), v.regex(/^[^\0\n]*$/)),
  },
  hda: drive('hda'),
  hdb: drive('hdb'),
  cdrom: drive('cdrom'),
  fda: drive('fda'),
  fdb: drive('fdb'),
  filesystem9p: {
    allowed: 'true, false, { index: URL, base: URL }, or the files of a folder',
    schema: v.union([
      v.boolean(),
      v.strictObject({ index: url, base: v.optional(url) }),
      v.strictObject({
        files: v.array(
          v.object({ path: v.pipe(v.string(), v.nonEmpty()), file: v.instance(Blob) }),
        ),
      }),
      v.array(v.instance(Blob)),
    ]),
  },
  serialPorts: { allowed: 'a whole number from 1 to 4', schema: wholeNumber(1, 4) },
  virtioConsole: onOff,
  sound: onOff,
  keyboardLayout: {
    allowed: `one of ${keyboardLayouts.join(', ')}`,
    schema: v.picklist(keyboardLayouts),
  },
  network: {
    allowed: "'none', 'ne2k' or 'virtio'",
    schema: v.picklist(['none', 'ne2k', 'virtio']),
  },
  networkBackend: {
    allowed:
      "'none', 'fetch', { kind: 'fetch', corsProxy: an http(s):// URL, ownOrigin, privateAddresses: true or false }, { kind: 'wisp', url: a wisp(s):// or ws(s):// URL }, " +
      "{ kind: 'inbrowser', group } or { kind: 'wsproxy', url: a ws(s):// URL }",
    schema: backends,
  },
  mac: {
    allowed: 'six pairs of hexadecimal digits, as 00:22:15:aa:bb:cc',
    schema: v.pipe(v.string(), v.regex(/^(?:[\da-f]{2}:){5}[\da-f]{2}$/i)),
  },
  durable: onOff,
  suspendWhenHiddenMs: {
    allowed: 'a number of milliseconds, 0 or more',
    schema: v.pipe(v.number(), v.finite(), v.minValue(0)),
  },
  limits: {
    allowed: '{ shareMiB, diskMiB }, whole numbers of MiB from 1 to 1048576',
    schema: v.strictObject({
      shareMiB: v.optional(wholeNumber(1, 2 ** 20)),
      diskMiB: v.optional(wholeNumber(1, 2 ** 20)),
    }),
  },
  onlyCprCapable: onOff,
};

/** Whether a value is what the rule allows. */
export const isAllowed = ({ schema }: OptionRule, value: unknown): boolean =>
  v.safeParse(schema, value).success;
