/** Unread keys and mouse movements of the guest, and its held keys, as bytes of a vmstate. */
import { HoldfastError } from '../../errors.ts';
import type { KeyBytes } from '../../protocol/scan-codes.ts';
import type { Locks } from './lock-keys.ts';

export type WaitingInput =
  /** A key, with the lights of the user's keyboard before it, if known. */
  | { kind: 'key'; key: KeyBytes; locks?: Locks }
  | { kind: 'move'; dx: number; dy: number }
  /** In pixels of the screen. */
  | { kind: 'position'; x: number; y: number; width: number; height: number }
  /** Bits: 1 left, 2 middle, 4 right. */
  | { kind: 'buttons'; down: number }
  | { kind: 'wheel'; delta: number };

export interface Ps2State {
  waiting: readonly WaitingInput[];
  /** Make codes of the keys that are down. */
  keys: readonly number[];
  /** As in {@link WaitingInput}. */
  buttons: number;
  /** The keyboard's lights, once the guest has read all keys so far. */
  lights?: Locks;
  /** How many presses of each lock key `lights` is ahead of what the guest has set. */
  unanswered?: Record<keyof Locks, number>;
}

/** More than the queue takes, with the keys that correct Caps Lock. */
const mostWaiting = 1 << 16;

export const ps2StateBytes = (state: Ps2State): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(state));

/** @throws {HoldfastError} `bad-vmstate` */
export function parsePs2State(bytes: Uint8Array): Ps2State {
  let state: unknown;
  try {
    state = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(cause);
  }
  if (!isObject(state)) throw damaged();
  const { waiting, keys, buttons, lights, unanswered } = state;
  if (!Array.isArray(waiting) || waiting.length > mostWaiting || !waiting.every(isInput))
    throw damaged();
  if (!Array.isArray(keys) || keys.length > 256 || !keys.every(isMake)) throw damaged();
  if (!isButtons(buttons)) throw damaged();
  if (lights === undefined) return { waiting, keys, buttons };
  if (!isObject(lights)) throw damaged();
  return {
    waiting,
    keys,
    buttons,
    lights: { caps: lights.caps === true, num: lights.num === true },
    unanswered: presses(unanswered),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Absent in states of older runtimes. */
function presses(value: unknown = {}): Record<keyof Locks, number> {
  if (!isObject(value)) throw damaged();
  const { caps = 0, num = 0 } = value;
  if (!isCount(caps) || !isCount(num)) throw damaged();
  return { caps, num };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isByte = (value: unknown) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256;
const isMake = (value: unknown): value is number =>
  Number.isInteger(value) &&
  ((Number(value) > 0 && Number(value) < 0x80) ||
    (Number(value) >= 0xe000 && Number(value) < 0xe080));
const isButtons = (value: unknown): value is number => isByte(value) && Number(value) < 8;
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);

function isLocks(value: unknown): value is Locks {
  if (!isObject(value)) return false;
  return [value.caps, value.num].every((on) => on === undefined || typeof on === 'boolean');
}

function isInput(value: unknown): value is WaitingInput {
  if (!isObject(value)) return false;
  switch (value.kind) {
    case 'key': {
      const { key, locks } = value;
      const isKey = Array.isArray(key) && key.length > 0 && key.length <= 3 && key.every(isByte);
      return isKey && (locks === undefined || isLocks(locks));
    }
    case 'move':
      return isNumber(value.dx) && isNumber(value.dy);
    case 'position':
      return [value.x, value.y, value.width, value.height].every(isNumber);
    case 'buttons':
      return isButtons(value.down);
    case 'wheel':
      return isNumber(value.delta);
    default:
      return false;
  }
}

const damaged = (cause?: unknown) =>
  new HoldfastError(
    'bad-vmstate',
    'The vmstate holds no keys and mouse where it should have some.',
    {
      cause,
    },
  );
