/** The drives of a machine in one runtime. */

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

/** The drives in v86's options. */
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
    // A resumed guest has the geometry in its state.
    const needsGeometry = coldBoot && !incoming;
    for (const device of driveNames) drives.#buffers[device].needsGeometry = needsGeometry;
    return drives;
  }

  /** Drive options for v86: a drive without a medium is left out. */
  get options(): DriveOptions {
    return Object.fromEntries(
      driveNames.filter((device) => this.media[device]).map((name) => [name, this.#buffers[name]]),
    );
  }

  /** The guest's CPU, while this runtime is active. */
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

  /** Opens the disk of a drive's present medium. */
  open(device: DriveName): void {
    const medium = this.media[device];
    if (medium) this.#buffers[device].insert(openDisk(medium, this.host, this.waits), medium.base);
    else this.#buffers[device].insert(undefined);
  }

  /**
   * Connects the drives when this runtime becomes active. The media may have changed since v86 was
   * built with them. So v86's drives are updated silently: the guest has already seen the change.
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

  /** Disconnects the drives: operations that end later do not reach the guest. */
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

  /** Returns the disks for the vmstate. */
  save(): readonly DiskIdentity[] {
    this.noticeEjected();
    return this.identities();
  }

  /**
   * Returns the guest's pending reads for the vmstate.
   * @throws HoldfastError `blocked` by an operation that cannot be repeated
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

  /** Drops pending reads: their guest has ended or will be replaced. */
  forgetReads(): void {
    for (const operation of [...this.inFlight.operations]) operation.forget();
    const { cpu } = this.#machine ?? {};
    if (!cpu) return;
    for (const device of ['hda', 'hdb', 'cdrom'] as const)
      ideDrive(cpu, device)?.in_progress_io_ids.clear();
  }

  /** Repeats the pending reads of a loaded state, after all other state. */
  askAgain({ reads }: DiskReadsSection): void {
    const cpu = this.#machine?.cpu;
    for (const read of reads) {
      const device = driveNames.find((name) => name === read.device);
      if (!cpu || !device) continue;
      const buffer = this.#buffers[device];
      buffer.answeringLater(() => askAgain(cpu, { ...read, device }, buffer));
    }
  }

  /**
   * @param wanted the disks of a state; absent if they were not recorded
   * @throws HoldfastError `wrong-disk`; `image-unavailable` if a disk's identity is unknown
   */
  check(wanted: readonly DiskIdentity[] | undefined): void {
    for (const medium of Object.values(this.media)) {
      if (medium?.backing.kind === 'later') this.#adopt(medium, wanted);
    }
    if (wanted) checkDisks(wanted, this.identities());
  }

  /** Takes the identity of an unreachable disk from the state, until it is read. */
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

  /** Restores the media in the drives; {@link connect} must follow. */
  replaceMedia(media: Media): void {
    for (const device of driveNames) {
      const { [device]: medium } = media;
      if (medium) this.media[device] = medium;
      else delete this.media[device];
    }
  }

  /** Notices an open CD tray: the guest can open it itself, and v86 reports nothing. */
  noticeEjected(): void {
    const { cdrom } = this.#machine?.cpu.devices ?? {};
    if (!cdrom || cdrom.buffer || !this.media.cdrom) return;
    this.media.cdrom = undefined;
    this.open('cdrom');
    this.host.driveChanged?.('cdrom', undefined);
  }
}
