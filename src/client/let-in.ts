/** Checks a guest of another host as an opened state file is checked, and answers the keeper. */
import { HoldfastError } from '../errors.ts';
import { siteUrl } from '../protocol/base-url.ts';
import type { MachineConfig } from '../protocol/config.ts';
import type {
  CheckedGuest,
  LetInAnswer,
  LetInQuestion,
  OfferedGuest,
} from '../protocol/migration.ts';
import { type Reached, toBeAsked } from '../protocol/reach.ts';
import { toWireError } from '../protocol/wire-error.ts';
import { stateLimits } from '../state-file/format/state-limits.ts';
import { type ConfigOrigin, checkConfig } from '../state-file/portable-config.ts';
import type { OpenStateOptions } from './start-options.ts';
import type { RequirePublic } from './state-files.ts';

export type LetInOptions = Pick<OpenStateOptions, 'approve' | 'allowPrivate' | 'config'>;

const otherHost: ConfigOrigin = {
  what: 'the guest of the other host',
  refuse: (sentence) => new HoldfastError('migration-refused', sentence),
};

/** Returns the port at which the keeper asks. */
export function letIn(
  options: LetInOptions,
  requirePublic: RequirePublic | undefined,
): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = async ({ data }: MessageEvent<LetInQuestion>) => {
    port1.postMessage(await answerTo(data, options, requirePublic));
  };
  return port2;
}

async function answerTo(
  question: LetInQuestion,
  options: LetInOptions,
  requirePublic: RequirePublic | undefined,
): Promise<LetInAnswer> {
  try {
    if ('offered' in question)
      return { guest: await checkGuest(question.offered, options, requirePublic) };
    return { isAllowed: (await options.approve?.([memoryItem(question.sizeBytes)])) ?? false };
  } catch (thrown) {
    const error = HoldfastError.from(thrown, 'migration-refused', 'The guest was not let in');
    return { error: toWireError(error) };
  }
}

const memoryItem = (sizeBytes: number): Reached => ({
  purpose: 'memory',
  url: '',
  isSameOrigin: false,
  sizeBytes,
});

/** @throws HoldfastError `migration-refused`, `not-approved` */
export async function checkGuest(
  { machineId, config: portable }: OfferedGuest,
  { approve, allowPrivate, config: own }: LetInOptions,
  requirePublic: RequirePublic | undefined,
): Promise<CheckedGuest> {
  const { config, carried, urls } = checkConfig(portable as never, siteUrl(), otherHost);
  const asked = [...toBeAsked(urls), ...memoryItems(carried)];
  if (asked.length > 0 && !(await approve?.(asked))) {
    const names = asked.map(({ purpose, kind, url }) => url || `${purpose} "${kind ?? 'files'}"`);
    throw new HoldfastError(
      'not-approved',
      `The guest of the other host reaches others: ${names.join(', ')}. That was not approved.`,
    );
  }
  await requirePublic?.({ urls }, { ...(allowPrivate && { allowPrivate }) });
  // The author is unknown. Unless the caller sets `foreign`, the guest counts as foreign.
  const { foreign = true } = own ?? {};
  const whole: MachineConfig = { ...config, id: machineId, ...own };
  return { config: { ...whole, foreign }, carried };
}

/** Files that travel with the guest take memory of the browser before the user has seen them. */
function memoryItems(carried: CheckedGuest['carried']): Reached[] {
  const sizes = [...carried.values()].map(({ sizeBytes }) => sizeBytes);
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (sizeBytes > stateLimits.blobBytes)
    throw new HoldfastError(
      'migration-refused',
      `The guest of the other host brings files of ${sizeBytes} bytes, more than a guest may have.`,
    );
  if (sizeBytes <= stateLimits.unaskedBytes) return [];
  return [memoryItem(sizeBytes)];
}
