/**
 * Keys and mouse input for the guest, in one queue. A PC has one controller for both, and one of
 * its bytes is read at a time.
 *
 * A device of v86 stores 1,024 bytes and overwrites the oldest. It drops unread bytes whenever the
 * guest sends the keyboard a command, such as the one for its lights. Here all input waits, across
 * runtimes. The controller gets one key or movement once the guest has read the previous one.
 */
import { HoldfastError } from '../../errors.ts';
import { type KeyBytes, KeysDown, keysIn, releaseOf } from '../../protocol/scan-codes.ts';
import { LockKeys, type Locks } from './lock-keys.ts';
import { type Ps2State, ps2StateBytes, type WaitingInput } from './ps2-state.ts';

/**
 * Limit of keys and movements. Beyond it the guest does not read, or the sender ignores
 * backpressure.
 */
const waitingLimit = 16_384;
/** Largest movement in a PS/2 packet. */
const longestStep = 127;
/** Beyond the edge of every screen. A longer movement would only be packets, for hours. */
const farthest = 32_767;
/** Bit of the controller's command byte: the keyboard's clock is off. */
const keyboardOff = 0x10;
/** Numbers in the VMware mouse's queue; it switches itself off at 1,024. */
const vmwareLimit = 512;

/** The fields of the PS/2 controller that are used. */
interface Controller {
  kbd_buffer: V86ClearableQueue;
  mouse_buffer: V86Queue;
  enable_keyboard_stream: boolean;
  command_register: number;
  next_read_led: boolean;
}

interface V86ClearableQueue extends V86Queue {
  clear(): void;
}

export class Ps2Input {
  readonly #cpu: V86Cpu;
  readonly #bus: V86Bus;
  readonly #waiting: WaitingInput[] = [];
  /** Keys that are down once all waiting input has arrived. */
  readonly #keys = new KeysDown();
  #buttons = 0;
  readonly #locks = new LockKeys();
  /** Lights of the user's keyboard for the next key. Keys that wait have their own. */
  #toFollow: Locks | undefined;
  /** The controller's queue that is listened to: a reset makes another. */
  #queue: V86ClearableQueue | undefined;
  /** The unread bytes of the last key, at the end of that queue. */
  #unread: number[] = [];

  constructor(cpu: V86Cpu, bus: V86Bus) {
    this.#cpu = cpu;
    this.#bus = bus;
    this.#onLights();
  }

  /** @throws HoldfastError `busy` if too much already waits; no part of `codes` is taken then */
  scancodes(codes: Uint8Array): void {
    const keys = keysIn(codes);
    // A full queue still takes a release: otherwise the guest would hold that key for ever.
    const onlyReleases =
      keys.length <= this.#keys.size && keys.every((key) => this.#keys.isReleasedBy(key));
    if (!onlyReleases) this.#require(keys.length);
    for (const key of keys) {
      this.#keys.note(key);
      this.#waiting.push({ kind: 'key', key, ...(this.#toFollow && { locks: this.#toFollow }) });
      this.#toFollow = undefined;
    }
    this.pump();
  }

  /**
   * @throws HoldfastError `bad-command` for a value that is no number, like the others; `busy` as
   * above
   */
  mouseDelta(dx: number, dy: number): void {
    requireNumbers(dx, dy);
    const last = this.#waiting.at(-1);
    if (last?.kind === 'move') {
      last.dx = distance(last.dx + dx);
      last.dy = distance(last.dy + dy);
    } else this.#add({ kind: 'move', dx: distance(dx), dy: distance(dy) });
  }

  mouseAbsolute(x: number, y: number, width: number, height: number): void {
    requireNumbers(x, y, width, height);
    if (width <= 0 || height <= 0)
      throw new HoldfastError(
        'bad-command',
        'A position of the mouse is one of a screen with a size.',
      );
    if (this.#waiting.at(-1)?.kind === 'position') this.#waiting.pop();
    this.#add({ kind: 'position', x, y, width, height });
  }

  mouseButtons(left: boolean, middle: boolean, right: boolean): void {
    const down = Number(left) | (Number(middle) << 1) | (Number(right) << 2);
    const onlyReleases = down !== this.#buttons && (down & ~this.#buttons) === 0;
    if (!onlyReleases) this.#require(1);
    this.#buttons = down;
    this.#waiting.push({ kind: 'buttons', down });
    this.pump();
  }

  mouseWheel(delta: number): void {
    requireNumbers(delta);
    this.#add({ kind: 'wheel', delta });
  }

  /** Sets the lights of the user's keyboard: the guest's follow before its next key. */
  follow(locks: Locks): void {
    this.#toFollow = { ...this.#toFollow, ...locks };
  }

  /** Releases all held keys and buttons, after the waiting input. */
  release(): void {
    const codes = releaseOf(this.#keys.makes());
    if (codes.length > 0) this.scancodes(Uint8Array.from(codes));
    if (this.#buttons !== 0) this.mouseButtons(false, false, false);
  }

  /** Call this after each slice of the guest. @returns true if the guest got input. */
  pump(): boolean {
    this.#locks.ran();
    let delivered = false;
    for (let next = this.#waiting[0]; next && this.#takes(next); next = this.#waiting[0]) {
      delivered = true;
      if (next.kind === 'key' && next.locks) this.#locks.follow(next.locks);
      if (next.kind !== 'key' || !this.#correctLocks(next.key)) this.#deliver(next);
    }
    return delivered;
  }

  /** Drops all input: it was for the guest before a reset. */
  clear(): void {
    this.#waiting.length = 0;
    this.#unread = [];
    this.#keys.clear();
    this.#buttons = 0;
    this.#toFollow = undefined;
    this.#locks.clear();
  }

  /** @returns undefined if the state is empty */
  save(): Uint8Array | undefined {
    const lights = this.#locks.lights;
    if (this.#waiting.length === 0 && this.#keys.size === 0 && this.#buttons === 0 && !lights)
      return undefined;
    return ps2StateBytes({
      waiting: this.#waiting,
      keys: this.#keys.makes(),
      buttons: this.#buttons,
      ...(lights && { lights, unanswered: this.#locks.unanswered }),
    });
  }

  load({ waiting, keys, buttons, lights, unanswered }: Ps2State): void {
    this.clear();
    this.#waiting.push(...waiting);
    for (const make of keys) this.#keys.note(make > 0xff ? [make >> 8, make & 0xff] : [make]);
    this.#buttons = buttons;
    if (lights) this.#locks.load(lights, unanswered);
  }

  get #controller(): Controller {
    return this.#cpu.devices.ps2 as unknown as Controller;
  }

  #require(more: number): void {
    const waiting = this.#waiting.length;
    if (waiting + more <= waitingLimit) return;
    const advice =
      more > waitingLimit
        ? 'Send them in smaller parts.'
        : `${waiting} are not read yet: wait until they are.`;
    throw new HoldfastError(
      'busy',
      `At most ${waitingLimit} keys and mouse movements can wait for the guest, and these are ${more} more. ${advice}`,
    );
  }

  #add(input: WaitingInput): void {
    this.#require(1);
    this.#waiting.push(input);
    this.pump();
  }

  #takes({ kind }: WaitingInput): boolean {
    const { kbd_buffer, mouse_buffer, ...state } = this.#controller;
    if (kbd_buffer.length > 0 || mouse_buffer.length > 0) return false;
    if (kind === 'key')
      return state.enable_keyboard_stream && (state.command_register & keyboardOff) === 0;
    const { vmware } = this.#cpu.devices as { vmware?: { queue: unknown[] } };
    return (vmware?.queue.length ?? 0) < vmwareLimit;
  }

  /** @returns true if another key goes first */
  #correctLocks(key: KeyBytes): boolean {
    const lock = this.#locks.wrongFor(key);
    if (lock === undefined) return false;
    const press = { kind: 'key', key: [lock] } as const;
    const release = { kind: 'key', key: [lock | 0x80] } as const;
    this.#waiting.unshift(press, release);
    this.#deliver(press);
    return true;
  }

  #deliver(input: WaitingInput): void {
    const rest = partOf(input);
    if (rest) this.#waiting[0] = rest.later;
    else this.#waiting.shift();
    const now = rest?.now ?? input;
    switch (now.kind) {
      case 'key':
        this.#deliverKey(now.key);
        break;
      case 'move':
        this.#bus.send('mouse-delta', [now.dx, now.dy]);
        break;
      case 'position':
        this.#bus.send('mouse-absolute', [now.x, now.y, now.width, now.height]);
        break;
      case 'buttons':
        this.#bus.send('mouse-click', [
          (now.down & 1) !== 0,
          (now.down & 2) !== 0,
          (now.down & 4) !== 0,
        ]);
        break;
      case 'wheel':
        this.#bus.send('mouse-wheel', [now.delta, 0]);
    }
  }

  #deliverKey(key: KeyBytes): void {
    this.#listenToQueue();
    this.#locks.delivered(key);
    for (const code of key) this.#bus.send('keyboard-code', code);
    this.#unread = [...key];
  }

  /** Sends unread bytes of a key again after a guest's command, which empties v86's queue. */
  #listenToQueue(): void {
    const queue = this.#controller.kbd_buffer;
    if (queue === this.#queue) return;
    this.#queue = queue;
    this.#unread = [];
    const { shift, clear } = queue;
    queue.shift = () => {
      if (this.#unread.length === 1) this.#locks.read();
      this.#unread.shift();
      return shift.call(queue);
    };
    queue.clear = () => {
      if (this.#unread.length > 0 && queue.length >= this.#unread.length)
        this.#waiting.unshift({ kind: 'key', key: this.#unread });
      this.#unread = [];
      clear.call(queue);
    };
  }

  /** Reads the keyboard's lights that the guest sets, which v86 ignores. */
  #onLights(): void {
    const port = this.#cpu.io.ports[0x60];
    if (!port) throw new HoldfastError('runtime-incompatible', "v86's keyboard has no port 0x60.");
    const { write8 } = port;
    port.write8 = (value) => {
      const controller = this.#controller;
      if (controller.next_read_led)
        this.#locks.shown({ caps: (value & 4) !== 0, num: (value & 2) !== 0 });
      write8.call(controller, value);
    };
  }
}

const distance = (pixels: number) => Math.max(-farthest, Math.min(farthest, pixels));

function requireNumbers(...values: unknown[]): void {
  if (!values.every(Number.isFinite))
    throw new HoldfastError(
      'bad-command',
      `The mouse moves by numbers, not by ${values.join(', ')}.`,
    );
}

/** Splits a movement that is too large for one packet. */
function partOf(input: WaitingInput): { now: WaitingInput; later: WaitingInput } | undefined {
  if (input.kind !== 'move') return undefined;
  const step = (distance: number) => Math.max(-longestStep, Math.min(longestStep, distance));
  // A state may contain any number.
  const [dx, dy] = [distance(input.dx), distance(input.dy)];
  const now = { kind: 'move' as const, dx: step(dx), dy: step(dy) };
  const later = { kind: 'move' as const, dx: dx - now.dx, dy: dy - now.dy };
  return later.dx === 0 && later.dy === 0 ? undefined : { now, later };
}
