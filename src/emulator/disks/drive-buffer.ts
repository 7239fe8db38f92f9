import { CprError } from '../../errors.ts';
import type { DriveName } from '../../protocol/config.ts';
import { aligned, type Disk } from './disk.ts';
import type { InFlight } from './in-flight.ts';

export interface DriveBufferOptions {
  device: DriveName;
  inFlight: InFlight;
  /** Something happened that the guest should see now. */
  wake(): void;
  /** The read that the drive is doing has failed: tells the guest. */
  failed(error: CprError): void;
}

/** What v86's drives call a buffer: the disk that is in a drive. */
export class DriveBuffer implements V86Disk {
  onload: ((event: object) => void) | undefined;
  readonly #options: DriveBufferOptions;
  #disk: Disk | undefined;
  /** Of the runtime that is in charge: the answers to another one's questions come to nothing. */
  #connected = true;

  constructor(options: DriveBufferOptions) {
    this.#options = options;
  }

  get disk(): Disk | undefined {
    return this.#disk;
  }

  insert(disk: Disk | undefined): void {
    this.#disk = disk;
  }

  connect(connected: boolean): void {
    this.#connected = connected;
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
    const now = this.#disk?.readNow(start, length);
    if (now) done(now);
    else this.#read(start, length, done, signal);
  }

  #read(
    start: number,
    length: number,
    done: (bytes: Uint8Array) => void,
    guestSignal: AbortSignal | undefined,
  ): void {
    const { device, inFlight, wake, failed } = this.#options;
    const abort = new AbortController();
    const operation = {
      device,
      start,
      length,
      sinceMs: performance.now(),
      fail: () => abort.abort(new CprError('cancelled', `The read of ${device} was given up.`)),
    };
    // The guest has reset the drive: v86 forgets the read once it is answered, with whatever.
    const guestGaveUp = () => abort.abort(guestSignal?.reason);
    guestSignal?.addEventListener('abort', guestGaveUp);
    inFlight.begin(operation);
    const settle = (tell: () => void) => {
      guestSignal?.removeEventListener('abort', guestGaveUp);
      if (this.#connected) {
        tell();
        wake();
      }
      inFlight.end(operation);
    };
    const reading = this.#disk
      ? this.#disk.read(start, length, abort.signal)
      : Promise.reject(new CprError('image-unavailable', `There is no disk in ${device}.`));
    reading.then(
      (bytes) => settle(() => done(bytes)),
      (thrown) =>
        settle(() => {
          if (!guestSignal?.aborted)
            failed(CprError.from(thrown, 'image-unavailable', `${device} cannot be read`));
          // An IDE drive that was told forgets this call; a floppy drive would take it for success.
          if (device !== 'fda' && device !== 'fdb') done(new Uint8Array(0));
        }),
    );
  }

  /** v86 reads a hard disk's first sector through this one, before it makes the drive. */
  get_and_cache(start: number, length: number, done: (bytes: Uint8Array) => void): void {
    this.get(start, length, done);
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
    // A floppy controller can stop in the middle of a sector. The bytes are in guest memory, which goes on.
    const copy = bytes.slice();
    this.get(sectors.start, sectors.length, (under) => {
      const whole = under.slice();
      whole.set(copy, start - sectors.start);
      this.#disk?.write(sectors.start, whole);
      done();
    });
  }

  get_buffer(done: (buffer: ArrayBuffer | undefined) => void): void {
    done(undefined);
  }

  /** Contents stay in the keeper; they are no part of the device state. */
  get_state(): unknown[] {
    return [];
  }

  set_state(): void {}
}
