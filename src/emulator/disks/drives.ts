/** The drives of a machine, as one runtime has them. */
import { CprError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { type DriveName, driveNames, isFloppy } from '../../protocol/config.ts';
import type { DiskIdentity } from '../../protocol/cpr.ts';
import { DriveBuffer } from './drive-buffer.ts';
import { failRead, ideDrive } from './drive-error.ts';
import { checkDisks } from './identity.ts';
import { InFlight } from './in-flight.ts';
import { type Media, type Medium, openMedia } from './medium.ts';
import { openDisk } from './open-disk.ts';
import { announceMediumChanges } from './unit-attention.ts';

/** The part of v86's options that the drives are. */
export type DriveOptions = Partial<Record<DriveName, V86Disk>>;

interface Machine {
  cpu: V86Cpu;
  wake(): void;
}

export class Drives {
  readonly host: RuntimeHost;
  readonly media: Media;
  readonly inFlight = new InFlight();
  readonly #buffers: Record<DriveName, DriveBuffer>;
  #machine: Machine | undefined;

  private constructor(host: RuntimeHost, media: Media) {
    this.host = host;
    this.media = media;
    const buffer = (device: DriveName) =>
      new DriveBuffer({
        device,
        inFlight: this.inFlight,
        wake: () => this.#machine?.wake(),
        failed: () => this.#machine && failRead(this.#machine.cpu, device),
      });
    this.#buffers = Object.fromEntries(
      driveNames.map((device) => [device, buffer(device)]),
    ) as Record<DriveName, DriveBuffer>;
    this.#openDisks();
  }

  /** @throws CprError `image-unavailable`, `bad-config` */
  static async open(host: RuntimeHost, signal: AbortSignal | undefined): Promise<Drives> {
    return new Drives(host, await openMedia(host, signal));
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
    this.#buffers[device].insert(medium && openDisk(medium, this.host));
  }

  /**
   * The runtime has the guest from here on. The media may have changed since v86 was built around
   * them, so what v86 has in its drives is brought up to date: silently, the guest knows it already.
   */
  connect(machine: Machine): void {
    this.#machine = machine;
    const { cpu } = machine;
    const { cdrom } = cpu.devices;
    if (cdrom) announceMediumChanges(cdrom);
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

  /**
   * For the vmstate: which disks it was taken with.
   * @throws CprError `blocked` while an operation is in flight, which no state of v86's can hold
   */
  save(): readonly DiskIdentity[] {
    const [operation] = this.inFlight.operations;
    if (operation)
      throw new CprError(
        'blocked',
        `${operation.device} is being read: wait until its operations are done (quiesce).`,
      );
    this.noticeEjected();
    return this.identities();
  }

  /**
   * @param wanted the disks that a state was taken with; absent where nobody wrote them down
   * @throws CprError `wrong-disk`
   */
  check(wanted: readonly DiskIdentity[] | undefined): void {
    if (wanted) checkDisks(wanted, this.identities());
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
