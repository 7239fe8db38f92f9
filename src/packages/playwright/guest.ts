/** The guest of a test. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import type { ExecuteResult } from '../../client/agent.ts';
import type { Machine } from '../../client/types.ts';
import type { SendKeyOptions } from '../../client/typist.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import type { RestartReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { RestoreReport, SnapshotInfo } from '../../protocol/snapshot.ts';
import type { BrowserProfile } from './browser-profile.ts';
import { callMachine } from './call-machine.ts';
import { GuestFiles } from './guest-files.ts';
import { GuestKeyboard, type TypeOptions } from './guest-keyboard.ts';
import { GuestMedia, type Medium } from './guest-media.ts';
import { GuestMouse } from './guest-mouse.ts';
import { GuestPage, withColdBoot } from './guest-page.ts';
import { GuestPorts } from './guest-ports.ts';
import { type ConfigChange, GuestPower } from './guest-power.ts';
import { GuestRuntimes } from './guest-runtimes.ts';
import { GuestScreen, type ScreenMask, type StillScreenOptions } from './guest-screen.ts';
import { GuestShell, type RunResult } from './guest-shell.ts';
import type { ForwardPortOptions, PortForward } from './port-forward.ts';
import { SerialConsole, type SerialWaitOptions } from './serial-console.ts';
import type { Site } from './site.ts';
import { brief, step } from './step.ts';
import type { WaitOptions } from './wait-options.ts';

/** Parts of a guest beside its page. */
export interface GuestSurroundings {
  /** Its own browser, for {@link Guest.crashBrowser}. */
  browser?: BrowserProfile;
  /** Serves files to its drives, and lists the runtimes. */
  site?: Site;
}

export class Guest {
  readonly serial: SerialConsole;
  readonly mouse: GuestMouse;
  readonly #shell: GuestShell;
  readonly #keyboard: GuestKeyboard;
  readonly #screen: GuestScreen;
  readonly #files: GuestFiles;
  readonly #media: GuestMedia;
  readonly #ports: GuestPorts;
  readonly #runtimes: GuestRuntimes;
  readonly #power: GuestPower;
  readonly #page: GuestPage;

  private constructor(page: GuestPage, surroundings: GuestSurroundings) {
    this.#page = page;
    const current = () => page.current;
    this.serial = new SerialConsole(current);
    this.mouse = new GuestMouse(current);
    this.#screen = new GuestScreen(current);
    this.#keyboard = new GuestKeyboard(current, this.#screen);
    this.#shell = new GuestShell(current, this.serial);
    this.#files = new GuestFiles(current, this.#shell);
    this.#media = new GuestMedia(page, surroundings.site);
    this.#ports = new GuestPorts(current);
    this.#runtimes = new GuestRuntimes(surroundings.site);
    this.#power = new GuestPower(page, this.#runtimes);
  }

  /** Prepares a page for a guest. Call it before the page navigates. */
  static async in(page: Page, surroundings: GuestSurroundings = {}): Promise<Guest> {
    return new Guest(await GuestPage.prepare(page, surroundings.browser), surroundings);
  }

  /** The page that shows the guest. {@link crashPage} and {@link crashBrowser} replace it. */
  get page(): Page {
    return this.#page.current;
  }

  /** Another of the guest's consoles: `serial1` to `serial3`, `virtio-console0`. */
  console(name: string): SerialConsole {
    return new SerialConsole(() => this.page, name);
  }

  /**
   * Opens the playground and waits until it is attached to a guest. A new guest boots, unless the address
   * has a `boot` of its own.
   */
  open(url: string): Promise<void> {
    return this.#page.open(withColdBoot(url));
  }

  /** Opens any page that hosts a machine, and waits until it is connected to it. */
  openPage(url: string): Promise<void> {
    return this.#page.connect(url);
  }

  /** Waits for a condition in the page. */
  waitUntil(predicate: () => boolean, otherwise: string, options?: WaitOptions): Promise<void> {
    return this.#page.waitUntil(predicate, otherwise, options);
  }

  /** Waits until the page that is open is attached to a guest. */
  attached(options?: WaitOptions): Promise<void> {
    return this.#page.attached(options);
  }

  // Commands in the guest, through its agent: its shells are not affected.

  /** Runs shell code as root. */
  execute(code: string, options?: WaitOptions): Promise<ExecuteResult> {
    return step(`execute ${brief(code)}`, () => this.#shell.execute(code, options));
  }

  /** Runs shell code that must end with status 0. @returns its standard output */
  succeed(code: string, options?: WaitOptions): Promise<string> {
    return step(`succeed ${brief(code)}`, () => this.#shell.succeed(code, options));
  }

  /** Runs shell code that must end with another status than 0. @returns its standard output */
  fail(code: string, options?: WaitOptions): Promise<string> {
    return step(`fail ${brief(code)}`, () => this.#shell.fail(code, options));
  }

  /**
   * Runs shell code repeatedly until it ends with status 0.
   * @returns its standard output
   */
  waitUntilSucceeds(code: string, options?: WaitOptions): Promise<string> {
    return step(`wait until ${brief(code)} succeeds`, () =>
      this.#shell.waitUntil(code, true, options),
    );
  }

  /** Runs shell code repeatedly until it does not end with status 0. */
  waitUntilFails(code: string, options?: WaitOptions): Promise<string> {
    return step(`wait until ${brief(code)} fails`, () =>
      this.#shell.waitUntil(code, false, options),
    );
  }

  /** Waits until this path exists in the guest. */
  async waitForFile(path: string, options?: WaitOptions): Promise<void> {
    await step(`wait for file ${path}`, () => this.#shell.waitForFile(path, options));
  }

  /**
   * Types a command of one or more lines into the shell on the first serial port. The shell must be at
   * its prompt. Changes to its directory and variables are kept.
   */
  run(command: string, options?: SerialWaitOptions): Promise<RunResult> {
    return step(`run ${brief(command)}`, () => this.#shell.run(command, options));
  }

  // Output of the guest.

  /** Resolves with the match in the output of the first serial port, past or future. */
  waitForSerial(pattern: RegExp, options?: SerialWaitOptions): Promise<RegExpMatchArray> {
    return this.serial.waitFor(pattern, options);
  }

  /** The text on the VGA screen. Empty in graphics mode. */
  screenText(): Promise<string> {
    return this.#screen.text();
  }

  /** Waits until the VGA screen shows a match. */
  async waitForText(pattern: RegExp, options: WaitOptions = {}): Promise<RegExpMatchArray> {
    const match = await step(`wait for text ${pattern}`, () =>
      this.#screen.waitForText(pattern, options),
    );
    return match as RegExpMatchArray;
  }

  /** Waits until the VGA screen shows no match. */
  async waitForNoText(pattern: RegExp, options: WaitOptions = {}): Promise<void> {
    await step(`wait for no text ${pattern}`, () =>
      this.#screen.waitForText(pattern, { ...options, shown: false }),
    );
  }

  /** Waits until nothing has changed on the screen for a while. */
  waitForStillScreen(options?: StillScreenOptions): Promise<void> {
    return step('wait for a still screen', () => this.#screen.waitForStill(options));
  }

  /** The guest's screen as a PNG. The parts in `mask` are painted over. */
  screenshot({ mask }: { mask?: readonly ScreenMask[] } = {}): Promise<Buffer> {
    return this.#screen.png(mask);
  }

  // Input of a user.

  /** Presses keys together, with QEMU's names: `ret`, `f2`, `ctrl-alt-delete`. */
  sendKey(keys: string, options?: SendKeyOptions): Promise<void> {
    return this.#keyboard.press(keys, options);
  }

  /** Types on the PC's keyboard, `\n` as Enter, with the keys of the layout that the guest is set to. */
  type(text: string, options?: TypeOptions): Promise<void> {
    return this.#keyboard.type(text, options);
  }

  /**
   * Drives a boot loader with the words of Packer's `boot_command`:
   * `['<esc>', '<wait "boot:">', 'linux<enter>']`. See boot-command.ts for all of them.
   */
  bootCommand(
    command: string | readonly string[],
    options?: TypeOptions & WaitOptions,
  ): Promise<void> {
    return this.#keyboard.bootCommand(command, options);
  }

  // Files and media.

  /**
   * Copies a file of this computer, or bytes, into the guest. A relative `target` is a path in the 9p
   * share. An absolute one needs an agent, and a guest that has mounted the share.
   */
  async copyIn(source: string | Uint8Array, target: string): Promise<void> {
    const bytes = typeof source === 'string' ? await readFile(source) : source;
    await step(`copy in ${target}`, () => this.#files.copyIn(bytes, target));
  }

  /**
   * Copies a file from the guest, with paths as for {@link copyIn}. Also writes it to `target`, if given.
   */
  async copyOut(source: string, target?: string): Promise<Buffer> {
    const bytes = await step(`copy out ${source}`, () => this.#files.copyOut(source));
    if (target !== undefined) await writeFile(target, bytes);
    return bytes;
  }

  /** Puts a CD into the drive: the path of an image on this computer, or a medium. */
  insertCd(image: string | Medium): Promise<void> {
    return step('insert CD', () => this.#media.insert('cdrom', image));
  }

  ejectCd(): Promise<void> {
    return step('eject CD', () => this.#media.eject('cdrom'));
  }

  insertFloppy(image: string | Medium, drive: 'fda' | 'fdb' = 'fda'): Promise<void> {
    return step(`insert into ${drive}`, () => this.#media.insert(drive, image));
  }

  ejectFloppy(drive: 'fda' | 'fdb' = 'fda'): Promise<void> {
    return step(`eject ${drive}`, () => this.#media.eject(drive));
  }

  // The network; it needs the network backend `fetch`, and an address in the guest.

  /** Waits until a server in the guest accepts TCP connections on this port. */
  waitForPort(port: number, options: WaitOptions = {}): Promise<void> {
    return step(`wait for port ${port}`, () => this.#ports.waitFor(port, options));
  }

  /**
   * Forwards a port of the test's computer to a TCP port of the guest, until the test ends: `await
   * request.get((await guest.forwardPort(80)).url)`.
   */
  forwardPort(port: number, options: ForwardPortOptions = {}): Promise<PortForward> {
    return step(`forward port ${port}`, () => this.#ports.forward(port, options));
  }

  /** Closes what {@link forwardPort} opened. The fixtures do it after each test. */
  closePorts(): Promise<void> {
    return this.#ports.close();
  }

  // The machine.

  /** Calls the API of the machine in the page. Errors are rethrown as HoldfastError. */
  machine<T, A = undefined>(
    call: (machine: Machine, argument: A) => Promise<T> | T,
    argument?: A,
  ): Promise<T> {
    return callMachine(this.page, call, argument as A);
  }

  async status(): Promise<MachineStatus> {
    const status = await this.machine((machine) => machine.status);
    if (!status) throw new Error('There is no machine.');
    return status;
  }

  /**
   * Starts a machine in place of the running one, with its configuration and `change`. `undefined` in
   * `change` removes an option.
   */
  async start(runtime: RuntimeSource, change: ConfigChange = {}): Promise<void> {
    await this.#power.start(await this.status(), runtime, change);
  }

  /** Starts a machine in place of any other. */
  boot(config: MachineConfig, runtime: RuntimeSource): Promise<void> {
    return this.#power.boot(config, runtime);
  }

  /**
   * Turns the machine off and on again. Its hard disks keep the guest's writes. `change` changes options,
   * as for {@link start}: `initrd: undefined` removes an option.
   */
  powerCycle(change: ConfigChange = {}): Promise<void> {
    return step('power cycle', async () => this.#power.cycle(await this.status(), change));
  }

  /** Stops the guest and its time. For the guest, no time passes until {@link resume}. */
  pause(): Promise<void> {
    return step('pause', () => this.machine((machine) => machine.pause({ stopsTime: true })));
  }

  resume(): Promise<void> {
    return step('resume', () => this.machine((machine) => machine.resume()));
  }

  reset(): Promise<void> {
    return step('reset', () => this.machine((machine) => machine.reset()));
  }

  /** Takes a snapshot of the whole guest in memory. It lasts as long as the machine. */
  snapshot(): Promise<SnapshotInfo> {
    return step('snapshot', () => this.machine((machine) => machine.snapshot()));
  }

  /** Restores the guest and its run state. */
  restore(snapshot: Pick<SnapshotInfo, 'id'>): Promise<RestoreReport> {
    return step('restore', () =>
      this.machine((machine, id) => machine.restore({ id }), snapshot.id),
    );
  }

  /** Takes a checkpoint in the browser's storage now. After a crash the guest resumes from it. */
  async checkpoint(): Promise<void> {
    await step('checkpoint', () => this.machine((machine) => machine.checkpoint()));
  }

  /** Hands the running guest over to another runtime. Without an argument, to one other than the present. */
  liveUpdate(runtime?: RuntimeSource): Promise<RestartReport> {
    return step('live update', async () => {
      const to = runtime ?? (await this.#runtimes.other((await this.status()).runtimeId));
      return this.machine((machine, next) => machine.restart({ runtime: next }), to);
    });
  }

  // The page and the browser around it.

  /** Reloads the page. The guest keeps running if its worker outlives pages. */
  reloadPage(): Promise<void> {
    return step('reload page', () => this.#page.reload());
  }

  /**
   * Kills the page's process, and opens the page again. If the worker was in that process, the guest
   * resumes from its last checkpoint. A guest without one is lost. Chromium only.
   */
  crashPage(): Promise<void> {
    return step('crash page', () => this.#page.crash());
  }

  /** Kills the whole browser, and starts it again. The guest resumes from its last checkpoint. */
  crashBrowser(): Promise<void> {
    return step('crash browser', () => this.#page.crashBrowser());
  }
}
