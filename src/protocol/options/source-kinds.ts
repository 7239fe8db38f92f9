/** Kinds of values that are files or disks. */
import * as v from 'valibot';
import { baseUrl } from '../base-url.ts';
import type { DriveName } from '../config.ts';
import { diskLimit } from '../disk-size.ts';
import { fromPortableUrl } from './foreign-url.ts';
import type { ValueKind } from './option.ts';
import { integer } from './simple-kinds.ts';
import { asIs, asSize } from './text-values.ts';

/** Base for checking relative URLs where there is no page yet. */
const anyBase = 'http://localhost/';
/** `file:` is for Node; a page's own fetch refuses it. */
const fetchable = ['http:', 'https:', 'blob:', 'data:', 'file:'];
export const fetchableUrl = v.pipe(
  v.string(),
  v.nonEmpty(),
  v.check((text) => {
    const parsed = URL.parse(text, baseUrl() ?? anyBase);
    return parsed !== null && fetchable.includes(parsed.protocol);
  }),
);

/** A URL of a state file. @param protocols absent: those of the web */
export const urlInFile = (siteUrl: string, protocols?: readonly string[]) =>
  v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const url = fromPortableUrl(dataset.value, siteUrl, protocols);
      if (url !== undefined) return url;
      addIssue({ message: 'Invalid URL' });
      return NEVER;
    }),
  );

const sizeBytes = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const sectors = (most: number) => v.pipe(integer(512, most), v.multipleOf(512));
const someBytes = v.pipe(
  v.union([v.instance(Uint8Array), v.instance(ArrayBuffer)]),
  v.check(({ byteLength }) => byteLength > 0),
);
const someFile = v.pipe(
  v.instance(Blob),
  v.check(({ size }) => size > 0),
);

/** No disk or image of a machine is larger. */
const largestBytes = diskLimit('hda').bytes;
const sizeInFile = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(largestBytes));

/** A file or bytes that travel within the state. */
const contentsInFile = v.object({
  kind: v.picklist(['bytes', 'file']),
  name: v.pipe(v.string(), v.maxLength(1024)),
  lastModifiedMs: v.number(),
  sizeBytes: sizeInFile,
});

const has = (source: unknown, member: string): boolean => Object.hasOwn(Object(source), member);

const imageInFile = (siteUrl: string) =>
  v.lazy((source) =>
    has(source, 'contents')
      ? v.object({ contents: contentsInFile })
      : v.object({ url: urlInFile(siteUrl), sizeBytes: v.optional(sizeInFile) }),
  );

const driveInFile = (siteUrl: string) =>
  v.lazy((source) => {
    if (has(source, 'emptyBytes')) return v.object({ emptyBytes: sizeInFile });
    if (!has(source, 'load')) return imageInFile(siteUrl);
    const file = { url: urlInFile(siteUrl), sizeBytes: v.optional(sizeInFile) };
    return v.variant('load', [
      v.object({ ...file, load: v.picklist(['whole', 'range']) }),
      v.object({ ...file, load: v.literal('parts'), partBytes: sizeInFile }),
    ]);
  });

export const image: ValueKind = {
  allowed: 'a URL, a file that is not empty, or bytes',
  schema: v.union([
    fetchableUrl,
    v.instance(URL),
    someFile,
    someBytes,
    v.strictObject({ url: fetchableUrl, sizeBytes }),
    v.strictObject({ bytes: someBytes, sizeBytes }),
  ]),
  fromText: asIs,
  inFile: imageInFile,
};

/** A URL, `range:URL`, `parts:SIZE:URL` or `empty:SIZE`. */
function asDisk(text: string): unknown {
  const empty = /^empty:(.*)$/.exec(text)?.[1];
  if (empty !== undefined) return { emptyBytes: asSize(empty) };
  const [, size, partsUrl] = /^parts:([^:]*):(.*)$/.exec(text) ?? [];
  if (size !== undefined && partsUrl !== undefined)
    return { url: partsUrl, load: 'parts', partBytes: asSize(size) };
  const rangeUrl = /^range:(.*)$/.exec(text)?.[1];
  return rangeUrl === undefined ? text : { url: rangeUrl, load: 'range' };
}

/** Sizes of a disk and of what it is made of, in bytes. */
export const diskSizes = (device: DriveName) => {
  const most = diskLimit(device).bytes;
  return { size: integer(1, most), part_size: sectors(most), empty: sectors(most) };
};

export const drive = (device: DriveName): ValueKind => {
  const { bytes: most, words } = diskLimit(device);
  const { size, part_size: partBytes, empty: emptyBytes } = diskSizes(device);
  const file = v.pipe(
    someFile,
    v.check(({ size }) => size <= most),
  );
  const whole = v.optional(size);
  return {
    allowed:
      "a URL, a file that is not empty, bytes, { url, load: 'whole' or 'range' }, { url, load: 'parts', partBytes } " +
      `or { emptyBytes } in multiples of 512, ${words}`,
    schema: v.union([
      fetchableUrl,
      v.instance(URL),
      file,
      someBytes,
      v.strictObject({ bytes: someBytes, sizeBytes: whole }),
      v.strictObject({
        url: fetchableUrl,
        sizeBytes: whole,
        load: v.optional(v.picklist(['whole', 'range'])),
      }),
      v.strictObject({
        url: fetchableUrl,
        sizeBytes: whole,
        load: v.literal('parts'),
        partBytes,
      }),
      v.strictObject({ file }),
      v.strictObject({ emptyBytes }),
    ]),
    fromText: asDisk,
    inFile: driveInFile,
  };
};
