import { parseArgs } from 'node:util';
import type { BucketOptions } from './bucket-store.ts';
import type { ConnectionLimits } from './connections.ts';
import type { LedgerLimits } from './ledger.ts';
import type { RateLimitOptions } from './rate-limits.ts';
import type { RoomLimits } from './rooms/room-limits.ts';

export interface StateServerOptions
  extends RateLimitOptions,
    LedgerLimits,
    ConnectionLimits,
    RoomLimits {
  /** Folder of unfinished uploads and, without a bucket, of the states. */
  folder: string;
  bucket?: BucketOptions;
  /** Redis that several processes on one bucket share. Absent: the server is one process. */
  redis?: RedisOptions;
  /** Largest size of one state. */
  maxBytes: number;
  /** Lifetime of a state; 0: for ever. */
  expireAfterS: number;
  /** Time after which unfinished uploads without progress are removed. */
  idleMs: number;
  /** Requests of one client that are under way at once. */
  maxRequestsAtOnce: number;
  /** Origins of pages that may upload, besides the server's own; `*` is all. Any page may read. */
  origins: string[];
  /** Names of the server besides localhost and addresses; `*` is all. */
  hosts: string[];
  /** Number of proxies before the server, each of which adds to `X-Forwarded-For`. */
  trustedProxies: number;
}

export interface RedisOptions {
  url: string;
  /** Time for which a killed process holds its uploads. */
  lockMs: number;
}

const MiB = 1024 * 1024;
const dayS = 24 * 3600;
const minuteMs = 60_000;

/** Settings: `--folder DIR`, or `HOLDFAST_STATES_FOLDER=DIR` in the environment. */
export const settings = {
  folder: { value: 'states', help: 'of unfinished uploads and, without a bucket, of the states' },
  'max-mib': { value: '1024', help: 'largest state, MiB' },
  'max-total-mib': { value: '20480', help: 'all states and unfinished uploads, MiB' },
  'max-pending-mib': { value: '8192', help: 'unfinished uploads of all, what has arrived, MiB' },
  'max-pending-uploads': { value: '1000', help: 'unfinished uploads of all' },
  'pending-mib': { value: '2048', help: 'unfinished uploads of one address, MiB' },
  'pending-uploads': { value: '16', help: 'unfinished uploads of one address' },
  'idle-minutes': {
    value: '15',
    help: 'unfinished uploads that stand still are removed after this',
  },
  'expire-days': { value: '30', help: 'how long a state is kept; 0: for ever' },
  origins: { value: '', help: 'of other sites that may upload, separated by spaces; * is all' },
  hosts: {
    value: '',
    help: 'names of this server besides localhost, separated by spaces; * is any',
  },
  'requests-per-minute': { value: '600', help: 'of one address' },
  'requests-at-once': { value: '64', help: 'of one address' },
  'uploads-per-hour': { value: '60', help: 'of one address' },
  'upload-mib-per-day': { value: '2048', help: 'of one address' },
  rooms: { value: '200', help: 'relay rooms at once; 0: none' },
  'rooms-per-address': { value: '8', help: 'relay rooms at once, of one address' },
  'rooms-per-hour': { value: '120', help: 'relay rooms that one address opens' },
  'room-wait-minutes': { value: '15', help: 'a room without its second device ends after this' },
  'room-idle-minutes': { value: '5', help: 'a room in which nothing moves ends after this' },
  'room-minutes': { value: '60', help: 'a room with two devices ends after this' },
  'room-mib': { value: '4096', help: 'what a room carries, MiB' },
  'behind-proxy': {
    value: '0',
    help: 'how many proxies stand before the server; clients are told apart by X-Forwarded-For',
  },
  connections: { value: '1000', help: 'open at once' },
  'connections-per-address': {
    value: '100',
    help: 'open at once, of one client; not behind proxies',
  },
  'stall-seconds': { value: '60', help: 'bodies and answers that move under 16 KiB in this end' },
  's3-bucket': { value: '', help: 'states go to this bucket of an S3-compatible storage' },
  's3-endpoint': { value: '', help: 'URL of the storage; absent: Amazon' },
  's3-region': { value: 'us-east-1', help: 'of the bucket' },
  's3-redirect': { value: '0', help: '1: browsers read from the bucket, by signed URLs' },
  'redis-url': { value: '', help: 'several processes share the bucket, by this Redis server' },
  'redis-lock-seconds': {
    value: '10',
    help: 'a process that was killed holds its uploads so long',
  },
} as const satisfies Record<string, { value: string; help: string }>;

type SettingName = keyof typeof settings;

/**
 * Reads the settings. Credentials of the bucket come from the AWS SDK's own environment
 * (`AWS_ACCESS_KEY_ID`, …).
 */
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
  const words = (name: SettingName) => get(name).split(/\s+/).filter(Boolean);
  const bucket = get('s3-bucket');
  const endpoint = get('s3-endpoint');
  const maxBytes = number('max-mib') * MiB;
  const redisUrl = get('redis-url');
  if (redisUrl && !bucket) throw new Error('redis-url needs s3-bucket: processes share a bucket.');
  return {
    folder: get('folder'),
    maxBytes,
    maxTotalBytes: number('max-total-mib') * MiB,
    maxPendingBytes: number('max-pending-mib') * MiB,
    maxPendingUploads: number('max-pending-uploads'),
    // Any address may upload one state of the largest size.
    maxPendingBytesPerClient: Math.max(number('pending-mib') * MiB, maxBytes),
    maxPendingUploadsPerClient: number('pending-uploads'),
    idleMs: number('idle-minutes') * minuteMs,
    expireAfterS: number('expire-days') * dayS,
    origins: words('origins'),
    hosts: words('hosts').map((host) => host.toLowerCase()),
    requestsPerMinute: number('requests-per-minute'),
    maxRequestsAtOnce: number('requests-at-once'),
    uploadsPerHour: number('uploads-per-hour'),
    uploadBytesPerDay: number('upload-mib-per-day') * MiB,
    maxRooms: number('rooms'),
    maxRoomsPerClient: number('rooms-per-address'),
    roomsPerHour: number('rooms-per-hour'),
    roomWaitMs: number('room-wait-minutes') * minuteMs,
    roomIdleMs: number('room-idle-minutes') * minuteMs,
    roomLifeMs: number('room-minutes') * minuteMs,
    maxRoomBytes: number('room-mib') * MiB,
    trustedProxies: number('behind-proxy'),
    maxConnections: number('connections'),
    maxConnectionsPerAddress: number('connections-per-address'),
    stallMs: number('stall-seconds') * 1000,
    ...(redisUrl && {
      redis: { url: redisUrl, lockMs: number('redis-lock-seconds') * 1000 },
    }),
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
