/**
 * The required form of device state for v86, which checks nothing itself. An array of the wrong
 * length or type would throw, or write beside its target, in the middle of `set_state`. A runtime's
 * own state is the model: it can load what it saves.
 */

import { HoldfastError } from '../../errors.ts';
import { decodedSizeBytes, decodeValue, type TypedArray, type Value } from '../../vmstate/value.ts';
import { type DeviceState, queuePaths } from './device-state.ts';
import { isFids, isFileSystem } from './ninep-device.ts';
import { translateLayout } from './state-layout.ts';

type Members = { readonly [member: string]: Value };
type List = readonly Value[] | TypedArray;

/** Checks a place where the guest's state may differ from the model. */
type GuestMade = (state: Value | undefined, model: Value | undefined) => boolean;

const isTypedArray = (value: Value | undefined): value is TypedArray => ArrayBuffer.isView(value);
const isList = (value: Value | undefined): value is List =>
  Array.isArray(value) || isTypedArray(value);

/** Accepts lists of numbers of any length. */
const isNumbers: GuestMade = (state) =>
  isList(state) && state.length <= numbersLimit && Array.from(state).every(Number.isFinite);
/** More than any option ROM or transfer of v86. */
const numbersLimit = 1 << 24;

/** Accepts a drive with and without a medium. The section `disks` holds the medium's identity. */
const isMedium: GuestMade = (state) =>
  state === null || state === undefined || (Array.isArray(state) && state.length === 0);

/** Places where a guest's state may have another length than that of newly started devices. */
const guestMade: readonly { at: RegExp; what: string; check: GuestMade }[] = [
  { at: /^cpu\.62$/, what: 'bytes (the firmware configuration being read)', check: isNumbers },
  {
    // v86 makes the buffer as large as the largest transfer so far.
    at: /^cpu\.(85\.[01]|56|57)\.[01]\.16$/,
    what: "a drive's buffer",
    // v86 creates views of 16 and 32 bits over it.
    check: (state) => state instanceof Uint8Array && state.length % 4 === 0,
  },
  { at: /^cpu\.(85\.[01]|56|57)\.[01]\.28$/, what: 'a medium', check: isMedium },
  { at: /^cpu\.55\.4[45]\.10$/, what: 'a medium', check: isMedium },
  {
    at: /^cpu\.45\.6$/,
    what: "the 9p device's buffer",
    check: (state) => state instanceof Uint8Array,
  },
  { at: /^cpu\.45\.8$/, what: 'open files', check: isFids },
  { at: /^cpu\.45\.9$/, what: 'a file system', check: isFileSystem },
];

/**
 * Returns the kind of a value. Nothing, numbers and booleans are one kind: v86 has members that are
 * undefined until they are used. It takes 0 for false, and computes with any of them without a
 * failure.
 */
function kindOf(value: Value | undefined): string {
  if (value === undefined || value === null) return 'a number';
  if (typeof value === 'number' || typeof value === 'boolean') return 'a number';
  if (typeof value === 'string') return 'a text';
  if (isTypedArray(value)) return `${value.constructor.name}, ${value.length} long`;
  return Array.isArray(value) ? `a list, ${value.length} long` : 'an object';
}

/**
 * @throws {HoldfastError} `runtime-incompatible` with the place where `state` differs from `model`.
 */
function checkLike(state: Value | undefined, model: Value | undefined, path: string): void {
  const special = guestMade.find(({ at }) => at.test(path));
  if (special) {
    if (!special.check(state, model)) throw unlike(path, kindOf(state), special.what);
    return;
  }
  if (kindOf(state) !== kindOf(model)) throw unlike(path, kindOf(state), kindOf(model));
  if (Array.isArray(state))
    for (let i = 0; i < state.length; i++) checkLike(state[i], (model as List)[i], `${path}.${i}`);
  else if (isObject(state)) checkMembers(state, model as Members, path);
}

const unlike = (path: string, is: string, expected: string) =>
  new HoldfastError(
    'runtime-incompatible',
    `This runtime cannot take the guest: in the state of its devices ${path} is ${is} instead of ${expected}. ` +
      'Load it into the machine configuration that it was saved with.',
  );

const isObject = (value: Value | undefined): value is Members => kindOf(value) === 'an object';

const isByte = (value: Value) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256;

/** More than any of v86's queues holds. */
const queueLimit = 4096;

/** @throws {HoldfastError} `runtime-incompatible` */
function checkQueues(queues: Members): void {
  for (const [path, bytes] of Object.entries(queues)) {
    const known = queuePaths.includes(path);
    if (!known || !Array.isArray(bytes) || bytes.length > queueLimit || !bytes.every(isByte))
      throw unlike(`queue ${path}`, 'unknown or malformed', 'a list of bytes');
  }
}

/** @throws {HoldfastError} `runtime-incompatible` */
function checkMembers(state: Members, model: Members, path: string): void {
  for (const member of new Set([...Object.keys(state), ...Object.keys(model)]))
    checkLike(state[member], model[member], path ? `${path}.${member}` : member);
}

/** A runtime's own state, as the model of a state that it can load. */
export class DeviceTemplate {
  readonly #model: Members & { cpu: readonly Value[]; leftOut: Members };
  readonly #modelBytes: number;

  /** @param own the result of `saveDevices` for the devices that will take over a guest. */
  constructor(own: Uint8Array) {
    this.#model = decodeValue(own) as Members & { cpu: readonly Value[]; leftOut: Members };
    this.#modelBytes = decodedSizeBytes(own);
  }

  /**
   * Decodes a state for these devices, translated to the layout of this version of v86.
   * @throws {HoldfastError} `bad-vmstate` if the bytes are damaged; `runtime-incompatible` if they
   * are not the state of such devices.
   */
  read(bytes: Uint8Array): DeviceState {
    // The bytes contain the guest's own part, which the model lacks. A value takes at most eight
    // times its bytes, and grown buffers are saved without needless zeros. At least twice the
    // model, because version 1 of the section left such zeros to the reader.
    const limitBytes = Math.max(2 * this.#modelBytes, this.#modelBytes + 8 * bytes.length);
    const state = decodeValue(bytes, limitBytes);
    if (!isObject(state) || !Array.isArray(state.cpu) || !isObject(state.queues))
      throw new HoldfastError('bad-vmstate', 'The vmstate holds no device state.');
    const { queues: _, ...model } = this.#model;
    const { queues, ...rest } = state;
    const translated = { ...rest, cpu: translateLayout(state.cpu, model.cpu as readonly Value[]) };
    checkMembers(translated, model, '');
    checkQueues(queues);
    return { ...translated, queues } as unknown as DeviceState;
  }
}
