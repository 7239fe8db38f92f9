/** A page's access to the guest's devices: commands that the runtime answers itself. */
import { HoldfastError } from '../errors.ts';
import { CellGrid } from '../pc/cell-grid.ts';
import { Glyphs } from '../pc/glyphs.ts';
import { type Picture, pictureOf } from '../pc/picture.ts';
import { encodePng } from '../pc/png.ts';
import type { RuntimeCommands } from '../protocol/abi.ts';
import type { BlockInfo } from '../protocol/block-info.ts';
import type { DriveName, DriveSource, RemovableDriveName } from '../protocol/config.ts';
import type { MachineEvent, MachineStatus, ScreenContents } from '../protocol/events.ts';
import { type PublicCalls, publicCalls } from '../protocol/keeper-calls.ts';
import type { NetworkInfo } from '../protocol/network.ts';
import type { NinepEntry } from '../protocol/ninep.ts';
import { passingOn } from '../protocol/passing-on.ts';
import type { CpuRegisters } from '../protocol/registers.ts';
import type { RemoteKeeper } from '../protocol/rpc.ts';
import { absoluteSource } from './absolute-urls.ts';
import { type ExecuteOptions, type ExecuteResult, GuestAgent } from './agent.ts';
import { ConsoleLog } from './console-log.ts';
import type { GuestConsole } from './console-types.ts';
import { diskImage } from './disk-export.ts';
import { type FramesOptions, frames } from './frames.ts';
import { RemoteConsole } from './guest-console.ts';
import { type ConnectTcpOptions, connectTcp, type GuestSocket } from './guest-socket.ts';
import { type IterableStream, iterable } from './iterable-stream.ts';
import type { MachineEventOf } from './machine-core.ts';
import { type SendKeyOptions, type TypeOptions, Typist } from './typist.ts';

/** Commands with known names, without the index signature that lets runtimes add more. */
type KnownCommand = keyof {
  [K in keyof RuntimeCommands as string extends K ? never : K]: unknown;
} &
  keyof RuntimeCommands;

export abstract class RemoteGuest extends passingOn<PublicCalls>(publicCalls) {
  readonly #agent = new GuestAgent(this);
  readonly #typist = new Typist({
    scancodes: (codes) => this.scancodes(codes),
    keyboardLocks: (locks) => this.keyboardLocks(locks),
    layout: () => this.status?.config.keyboardLayout,
  });
  /** Output of the consoles. */
  protected readonly log = new ConsoleLog();

  abstract override answering(): RemoteKeeper;

  abstract get status(): MachineStatus | null;

  abstract on<T extends MachineEvent['type']>(
    type: T,
    listener: (event: MachineEventOf<T>) => void,
  ): () => void;

  protected command<K extends KnownCommand>(
    name: K,
    ...args: Parameters<NonNullable<RuntimeCommands[K]>>
  ): Promise<unknown> {
    return this.answering().command(name, args);
  }

  execute(code: string, options?: ExecuteOptions): Promise<ExecuteResult> {
    return this.#agent.execute(code, options);
  }

  /** End of the output that this page has of each console. */
  consoleEnds(): Record<string, number> {
    return this.log.ends();
  }

  console(name = 'serial0'): GuestConsole {
    return new RemoteConsole(name, this.log, (data) => this.consoleInput(name, data));
  }

  sendKey(keys: string, options?: SendKeyOptions): Promise<void> {
    return this.#typist.sendKey(keys, options);
  }

  type(text: string, options?: TypeOptions): Promise<void> {
    return this.#typist.type(text, options);
  }

  async consoleInput(name: string, data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    await this.command('consoleInput', name, bytes);
  }

  async scancodes(codes: readonly number[]): Promise<void> {
    const isByte = (code: unknown) => Number.isInteger(code) && (code as number) >> 8 === 0;
    const wrong = Array.from(codes).find((code) => !isByte(code));
    if (wrong !== undefined)
      throw new HoldfastError(
        'bad-command',
        `Scan codes are bytes, 0 to 255, not ${String(wrong)}.`,
      );
    await this.command('scancodes', Uint8Array.from(codes));
  }

  async keyboardLocks(locks: { caps?: boolean; num?: boolean }): Promise<void> {
    try {
      await this.command('keyboardLocks', locks);
    } catch (thrown) {
      // An older runtime leaves the guest's locks alone.
      if (!(thrown instanceof HoldfastError) || thrown.code !== 'internal') throw thrown;
    }
  }

  async mouseDelta(dx: number, dy: number): Promise<void> {
    await this.command('mouseDelta', dx, dy);
  }

  async mouseAbsolute(x: number, y: number, width: number, height: number): Promise<void> {
    await this.command('mouseAbsolute', x, y, width, height);
  }

  async mouseButtons(left: boolean, middle: boolean, right: boolean): Promise<void> {
    await this.command('mouseButtons', left, middle, right);
  }

  async mouseWheel(delta: number): Promise<void> {
    await this.command('mouseWheel', delta);
  }

  async filesRead(path: string): Promise<Uint8Array> {
    return (await this.answering().command('filesRead', [path])) as Uint8Array;
  }

  async filesWrite(path: string, bytes: Uint8Array): Promise<void> {
    await this.answering().command('filesWrite', [path, bytes]);
  }

  async filesList(path: string): Promise<NinepEntry[]> {
    return (await this.answering().command('filesList', [path])) as NinepEntry[];
  }

  connectTcp(port: number, options: ConnectTcpOptions = {}): Promise<GuestSocket> {
    return connectTcp((...args) => this.command('connectTcp', ...args), port, options);
  }

  async infoNetwork(): Promise<NetworkInfo> {
    return (await this.answering().command('infoNetwork', [])) as NetworkInfo;
  }

  async infoBlock(): Promise<BlockInfo[]> {
    return (await this.command('infoBlock')) as BlockInfo[];
  }

  async changeMedia(device: RemovableDriveName, source: DriveSource): Promise<void> {
    await this.command('changeMedia', device, absoluteSource(source));
  }

  async ejectMedia(device: RemovableDriveName): Promise<void> {
    await this.command('ejectMedia', device);
  }

  async resetDisk(device: DriveName): Promise<void> {
    await this.command('resetDisk', device);
  }

  async checkDisks(): Promise<void> {
    await this.command('checkDisks');
  }

  diskImage(device: DriveName): IterableStream<Uint8Array> {
    return iterable(
      diskImage(
        {
          infoBlock: () => this.infoBlock(),
          readDisk: async (...range) => (await this.command('readDisk', ...range)) as Uint8Array,
        },
        device,
      ),
    );
  }

  async readMemory(address: number, length: number): Promise<Uint8Array> {
    return (await this.command('readMemory', address, length)) as Uint8Array;
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    await this.command('writeMemory', address, bytes);
  }

  async infoRegisters(): Promise<CpuRegisters> {
    return (await this.command('infoRegisters')) as CpuRegisters;
  }

  async screen(): Promise<ScreenContents> {
    return (await this.command('screen')) as ScreenContents;
  }

  async screenText(): Promise<string> {
    const contents = await this.screen();
    if (contents.mode !== 'text') return '';
    return new CellGrid(contents.screen).text(new Glyphs(contents.font));
  }

  async screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    return encodePng(pictureOf(await this.screen()));
  }

  frames(options?: FramesOptions): IterableStream<Picture> {
    return iterable(frames(this, options));
  }

  async systemPowerdown(): Promise<void> {
    await this.command('systemPowerdown');
  }

  exportV86State(): Promise<Uint8Array> {
    return this.command('exportV86State') as Promise<Uint8Array>;
  }
}
