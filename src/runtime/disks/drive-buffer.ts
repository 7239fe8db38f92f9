import { HoldfastError } from '../../errors.ts';
import type { DriveName } from '../../protocol/config.ts';
import { aligned, type Disk } from './disk.ts';
import type { DiskWaits } from './disk-waits.ts';
import type { InFlight, Operation } from './in-flight.ts';

/** Time for which the guest waits before pages are notified, ms. */
const reportAfterMs = 2000;

interface DriveBufferOptions {
  device: DriveName;
  inFlight: InFlight;
  waits: Pick<DiskWaits, 'begin' | 'end'>;
  /** Called when the guest should run now to see an event. */
  wake(): void;
  /** Called when the drive's present read has failed, to report it to the guest. */
  failed(error: HoldfastError): void;
}

/** The disk in a drive, as v86's drives use it: their "buffer". */
export class DriveBuffer implements V86Disk {
  onload: ((event: object) => void) | undefined;
  readonly #options: DriveBufferOptions;
  #disk: Disk | undefined;
  /** Source of the disk, for people. */
  #source = '';
  /** True in the active runtime: answers to another runtime's reads are ignored. */
  #connected = true;
  /** True if v86 must read a disk's geometry from its first sector. */
  needsGeometry = true;

  #answersLater = false;

  constructor(options: DriveBufferOptions) {
    this.#options = options;
  }

  get disk(): Disk | undefined {
    return this.#disk;
  }

  insert(disk: Disk | undefined, source = ''): void {
    this.#disk = disk;
    this.#source = source;
  }

  connect(connected: boolean): void {
    this.#connected = connected;
  }

  /**
   * Answers the reads during `run` after the present task. A guest is loaded in it, and its memory is not
   * ready for a transfer before its end: pages may be absent.
   */
  answeringLater(run: () => void): void {
    this.#answersLater = true;
    try {
      run();
    } finally {
      this.#answersLater = false;
    }
  }

  get byteLength(): number {
    return this.#disk?.sizeBytes ?? 0;
  }

  load(): void {
    this.onload?.({});
  }

  get(
    start: number,
    length: number,
    done: (bytes: Uint8Array) => void,
    { signal }: { signal?: AbortSignal } = {},
  ): void {
    const now = this.#answersLater ? undefined : this.#disk?.readNow(start, length);
    if (now) done(now);
    else this.#read({ start, length, isWrite: false }, done, signal);
  }

  #read(
    what: Pick<Operation, 'start' | 'length' | 'isWrite'>,
    done: (bytes: Uint8Array) => void,
    guestSignal?: AbortSignal,
  ): void {
    const { device, inFlight, waits, wake, failed } = this.#options;
    const abort = new AbortController();
    let isOver = false;
    const settle = (action: () => void) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      guestSignal?.removeEventListener('abort', guestGaveUp);
      inFlight.end(operation);
      if (this.#connected) {
        action();
        wake();
        if (inFlight.of(device).length === 0) waits.end(device);
      }
      abort.abort(new HoldfastError('cancelled', `The read of ${device} was given up.`));
    };
    const fail = (error: HoldfastError) =>
      settle(() => {
        failed(error);
        // An IDE drive with an error ignores this call; a floppy drive would take it for success.
        if (device !== 'fda' && device !== 'fdb') done(new Uint8Array(0));
      });
    const operation: Operation = {
      device,
      ...what,
      fail: () => fail(new HoldfastError('cancelled', `The read of ${device} was given up.`)),
      forget: () => settle(() => undefined),
    };
    // The guest has reset the drive: v86 drops the read after any answer.
    const guestGaveUp = () => settle(() => done(new Uint8Array(0)));
    guestSignal?.addEventListener('abort', guestGaveUp);
    inFlight.begin(operation);
    const timer = setTimeout(() => {
      if (this.#connected) waits.begin(device, `The guest waits for ${device}: ${this.#source}.`);
    }, reportAfterMs);
    const reading = this.#disk
      ? this.#disk.read(what.start, what.length, abort.signal)
      : Promise.reject(new HoldfastError('image-unavailable', `There is no disk in ${device}.`));
    reading.then(
      (bytes) => settle(() => done(bytes)),
      (thrown) => fail(HoldfastError.from(thrown, 'image-unavailable', `${device} cannot be read`)),
    );
  }

  /** Answers v86's read of a hard disk's first sector, before it creates the drive. */
  get_and_cache(start: number, length: number, done: (bytes: Uint8Array) => void): void {
    if (this.needsGeometry) this.get(start, length, done);
    else done(new Uint8Array(length));
  }

  get_from_cache(start: number, length: number): Uint8Array | undefined {
    return this.#disk?.readNow(start, length);
  }

  set(start: number, bytes: Uint8Array, done: () => void): void {
    const sectors = aligned(start, bytes.length);
    if (sectors.length === bytes.length) {
      this.#disk?.write(start, bytes);
      done();
      return;
    }
    // A floppy controller can stop in the middle of a sector. The bytes are in guest memory, which
    // changes.
    const copy = bytes.slice();
    const write = (under: Uint8Array) => {
      const whole = under.slice();
      whole.set(copy, start - sectors.start);
      this.#disk?.write(sectors.start, whole);
      done();
    };
    const now = this.#disk?.readNow(sectors.start, sectors.length);
    if (now) write(now);
    else this.#read({ ...sectors, isWrite: true }, write);
  }

  get_buffer(done: (buffer: ArrayBuffer | undefined) => void): void {
    done(undefined);
  }

  /** Returns no state: contents stay in the keeper and are not part of the device state. */
  get_state(): unknown[] {
    return [];
  }

  set_state(): void {}
}
