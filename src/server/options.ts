import { parseArgs } from 'node:util';
import type { BucketOptions } from './bucket-store.ts';
import type { RateLimitOptions } from './rate-limits.ts';

export interface StateServerOptions extends RateLimitOptions {
  /** Of unfinished uploads and, unless there is a bucket, of the states. */
  folder: string;
  bucket?: BucketOptions;
  /** Of one state. */
  maxBytes: number;
  /** Of all states and unfinished uploads together. */
  maxTotalBytes: number;
  /** How long a state is kept; 0: for ever. */
  expireAfterS: number;
  /** Of pages that may upload, besides the server's own; `*` is all. Any page may read. */
  origins: string[];
}

const MiB = 1024 * 1024;
const dayS = 24 * 3600;

/** What can be set: `--folder DIR`, or `HOLDFAST_STATES_FOLDER=DIR` in the environment. */
export const settings = {
  folder: { value: 'states', help: 'of unfinished uploads and, without a bucket, of the states' },
  'max-mib': { value: '1024', help: 'largest state, MiB' },
  'max-total-mib': { value: '20480', help: 'all states and unfinished uploads, MiB' },
  'expire-days': { value: '30', help: 'how long a state is kept; 0: for ever' },
  origins: { value: '', help: 'of other sites that may upload, separated by spaces; * is all' },
  'requests-per-minute': { value: '600', help: 'of one address' },
  'uploads-per-hour': { value: '60', help: 'of one address' },
  'upload-mib-per-day': { value: '8192', help: 'of one address' },
  'behind-proxy': { value: '0', help: '1: clients are told apart by X-Forwarded-For' },
  's3-bucket': { value: '', help: 'states go to this bucket of an S3-compatible storage' },
  's3-endpoint': { value: '', help: 'URL of the storage; absent: Amazon' },
  's3-region': { value: 'us-east-1', help: 'of the bucket' },
  's3-redirect': { value: '0', help: '1: browsers read from the bucket, by signed URLs' },
} as const satisfies Record<string, { value: string; help: string }>;

type SettingName = keyof typeof settings;

/** Credentials of the bucket come from the AWS SDK's own environment (`AWS_ACCESS_KEY_ID`, …). */
export function readOptions(
  args: string[],
  environment: NodeJS.ProcessEnv,
  defaults: Partial<Record<SettingName, string>> = {},
): StateServerOptions {
  const names = Object.keys(settings) as SettingName[];
  const { values } = parseArgs({
    args,
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  });
  const get = (name: SettingName): string =>
    String(values[name] ?? environment[variableOf(name)] ?? defaults[name] ?? settings[name].value);
  const number = (name: SettingName): number => {
    const text = get(name);
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
      throw new Error(`${name} (${variableOf(name)}) is ${JSON.stringify(text)}: give a number.`);
    }
    return value;
  };
  const bucket = get('s3-bucket');
  const endpoint = get('s3-endpoint');
  return {
    folder: get('folder'),
    maxBytes: number('max-mib') * MiB,
    maxTotalBytes: number('max-total-mib') * MiB,
    expireAfterS: number('expire-days') * dayS,
    origins: get('origins').split(/\s+/).filter(Boolean),
    requestsPerMinute: number('requests-per-minute'),
    uploadsPerHour: number('uploads-per-hour'),
    uploadBytesPerDay: number('upload-mib-per-day') * MiB,
    behindProxy: get('behind-proxy') === '1',
    ...(bucket && {
      bucket: {
        bucket,
        region: get('s3-region'),
        redirectReads: get('s3-redirect') === '1',
        ...(endpoint && { endpoint }),
      },
    }),
  };
}

export const variableOf = (name: string) =>
  `HOLDFAST_STATES_${name.toUpperCase().replaceAll('-', '_')}`;
