/** The drives of a machine, as one runtime has them. */

import { HoldfastError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { type DriveName, driveNames, isFloppy } from '../../protocol/config.ts';
import type { DiskIdentity } from '../../protocol/cpr.ts';
import type { DiskReadsSection } from '../../vmstate/sections.ts';
import { inTheWay } from './blockers.ts';
import { DiskWaits } from './disk-waits.ts';
import { DriveBuffer } from './drive-buffer.ts';
import { failRead, ideDrive } from './drive-error.ts';
import { checkDisks } from './identity.ts';
import { InFlight } from './in-flight.ts';
import { type Media, type Medium, openMedia } from './medium.ts';
import { openDisk } from './open-disk.ts';
import { askAgain, describeRead, noteByteLimits } from './pending-reads.ts';
import { announceMediumChanges } from './unit-attention.ts';

/** The part of v86's options that the drives are. */
export type DriveOptions = Partial<Record<DriveName, V86Disk>>;

interface DrivesRequest {
  signal?: AbortSignal | undefined;
  coldBoot: boolean;
  incoming?: boolean | undefined;
}

interface Machine {
  cpu: V86Cpu;
  wake(): void;
}

export class Drives {
  readonly host: RuntimeHost;
  readonly media: Media;
  readonly inFlight = new InFlight();
  readonly waits: DiskWaits;
  readonly #buffers: Record<DriveName, DriveBuffer>;
  #machine: Machine | undefined;

  private constructor(host: RuntimeHost, media: Media) {
    this.host = host;
    this.media = media;
    this.waits = new DiskWaits(host);
    const buffer = (device: DriveName) =>
      new DriveBuffer({
        device,
        inFlight: this.inFlight,
        waits: this.waits,
        wake: () => this.#machine?.wake(),
        failed: () => this.#machine && failRead(this.#machine.cpu, device),
      });
    this.#buffers = Object.fromEntries(
      driveNames.map((device) => [device, buffer(device)]),
    ) as Record<DriveName, DriveBuffer>;
    this.#openDisks();
  }

  /** @throws HoldfastError `image-unavailable`, `bad-config` */
  static async open(
    host: RuntimeHost,
    { signal, coldBoot, incoming = false }: DrivesRequest,
  ): Promise<Drives> {
    const drives = new Drives(host, await openMedia(host, signal, { incoming }));
    // Of a guest that goes on, the geometry is in its state.
    const needsGeometry = coldBoot && !incoming;
    for (const device of driveNames) drives.#buffers[device].needsGeometry = needsGeometry;
    return drives;
  }

  /** What v86 is built with: a drive without a medium is left out. */
  get options(): DriveOptions {
    return Object.fromEntries(
      driveNames.filter((device) => this.media[device]).map((name) => [name, this.#buffers[name]]),
    );
  }

  /** Of the guest, while this runtime has it. */
  get cpu(): V86Cpu | undefined {
    return this.#machine?.cpu;
  }

  wake(): void {
    this.#machine?.wake();
  }

  buffer(device: DriveName): DriveBuffer {
    return this.#buffers[device];
  }

  #openDisks(): void {
    for (const device of driveNames) this.open(device);
  }

  /** The disk of the medium that is in a drive now. */
  open(device: DriveName): void {
    const medium = this.media[device];
    if (medium) this.#buffers[device].insert(openDisk(medium, this.host, this.waits), medium.base);
    else this.#buffers[device].insert(undefined);
  }

  /**
   * The runtime has the guest from here on. The media may have changed since v86 was built around
   * them, so what v86 has in its drives is brought up to date: silently, the guest knows it already.
   */
  connect(machine: Machine): void {
    this.#machine = machine;
    const { cpu } = machine;
    const { cdrom } = cpu.devices;
    if (cdrom) {
      announceMediumChanges(cdrom);
      noteByteLimits(cdrom);
    }
    this.#openDisks();
    for (const device of driveNames) {
      const buffer = this.#buffers[device];
      buffer.connect(true);
      const drive = isFloppy(device)
        ? cpu.devices.fdc?.drives[device === 'fda' ? 0 : 1]
        : device === 'cdrom' && ideDrive(cpu, device);
      if (drive) drive.buffer = this.media[device] ? buffer : null;
    }
  }

  /** Nothing that ends from here on reaches the guest. */
  disconnect(): void {
    this.#machine = undefined;
    for (const device of driveNames) this.#buffers[device].connect(false);
  }

  identities(): DiskIdentity[] {
    return driveNames.flatMap((device) => {
      const medium = this.media[device];
      return medium ? [this.#identity(medium)] : [];
    });
  }

  #identity({ device, sizeBytes, base, baseDigest }: Medium): DiskIdentity {
    return {
      device,
      sizeBytes,
      base,
      ...(baseDigest !== undefined && { baseDigest }),
      generation: this.#buffers[device].disk?.overlay.generation ?? 0,
    };
  }

  /** For the vmstate: which disks it was taken with. */
  save(): readonly DiskIdentity[] {
    this.noticeEjected();
    return this.identities();
  }

  /**
   * For the vmstate: what the guest waits for.
   * @throws HoldfastError `blocked` by an operation that cannot be asked again
   */
  saveReads(): DiskReadsSection | undefined {
    const cpu = this.#machine?.cpu;
    const operations = [...this.inFlight.operations];
    if (!cpu || operations.length === 0) return undefined;
    const reads = operations.map((operation) => {
      const read = describeRead(cpu, operation);
      if (read) return read;
      throw new HoldfastError('blocked', inTheWay(operation));
    });
    return { reads };
  }

  /** The guest that asked is no more, or is to be another one. */
  forgetReads(): void {
    for (const operation of [...this.inFlight.operations]) operation.forget();
    const { cpu } = this.#machine ?? {};
    if (!cpu) return;
    for (const device of ['hda', 'hdb', 'cdrom'] as const)
      ideDrive(cpu, device)?.in_progress_io_ids.clear();
  }

  /** Asks again what the guest of a state waits for; everything else of it is loaded. */
  askAgain({ reads }: DiskReadsSection): void {
    const cpu = this.#machine?.cpu;
    for (const read of reads) {
      const device = driveNames.find((name) => name === read.device);
      if (cpu && device) askAgain(cpu, { ...read, device }, this.#buffers[device]);
    }
  }

  /**
   * @param wanted the disks that a state was taken with; absent where nobody wrote them down
   * @throws HoldfastError `wrong-disk`; `image-unavailable` where nobody can say what a disk is
   */
  check(wanted: readonly DiskIdentity[] | undefined): void {
    for (const medium of Object.values(this.media)) {
      if (medium?.backing.kind === 'later') this.#adopt(medium, wanted);
    }
    if (wanted) checkDisks(wanted, this.identities());
  }

  /** A disk that nobody could look at is what the state says, until it is read. */
  #adopt(medium: Medium, wanted: readonly DiskIdentity[] | undefined): void {
    const was = wanted?.find(({ device }) => device === medium.device);
    if (!was)
      throw new HoldfastError(
        'image-unavailable',
        `The disk for ${medium.device} (${medium.base}) cannot be reached. Try again when its server can be.`,
      );
    medium.sizeBytes = was.sizeBytes;
    if (was.baseDigest === undefined) delete medium.baseDigest;
    else medium.baseDigest = was.baseDigest;
    this.open(medium.device);
  }

  /** Puts back what was in the drives; to be followed by {@link connect}. */
  replaceMedia(media: Media): void {
    for (const device of driveNames) {
      const { [device]: medium } = media;
      if (medium) this.media[device] = medium;
      else delete this.media[device];
    }
  }

  /** The guest can open the CD's tray by itself; v86 tells nobody. */
  noticeEjected(): void {
    const { cdrom } = this.#machine?.cpu.devices ?? {};
    if (!cdrom || cdrom.buffer || !this.media.cdrom) return;
    this.media.cdrom = undefined;
    this.open('cdrom');
    this.host.driveChanged?.('cdrom', undefined);
  }
}
