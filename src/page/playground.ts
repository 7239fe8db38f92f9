/** The whole page, once it is known that a guest can be had. */
import { type RuntimeBuild, runtimes } from 'virtual:holdfast-build';
import { CprError } from '../errors.ts';
import type { Machine, OpenStateOptions } from '../machine/types.ts';
import type { RuntimeSource } from '../protocol/keeper-api.ts';
import { randomId } from '../protocol/random-id.ts';
import { Keyboard } from '../view/keyboard.ts';
import { Mouse } from '../view/mouse.ts';
import { AddressApproval } from './address-approval.ts';
import { BootBar } from './boot-bar.ts';
import { toggleHelp } from './dialogs.ts';
import { DurabilityNotice } from './durability-notice.ts';
import { element } from './element.ts';
import { actionLabel, type ErrorAction, errorText, type Operation } from './error-text.ts';
import { readFocus, writeFocus } from './focus.ts';
import { loadDescribed } from './guest.ts';
import { keepStorage } from './keep-storage.ts';
import { LiveUpdate } from './live-update.ts';
import { MachineButtons } from './machine-buttons.ts';
import { addressOf } from './machines/machine-address.ts';
import { MachineList } from './machines/machine-list.ts';
import { MonitorView } from './monitor/monitor-view.ts';
import { Notices } from './notices.ts';
import { Panes, paneNames } from './panes.ts';
import { runtimeSource } from './runtime-source.ts';
import { ScreenView } from './screen/screen-view.ts';
import type { Session } from './session.ts';
import { StateOpener } from './share/open-state.ts';
import { ShareDialog } from './share/share-dialog.ts';
import { setUpShortcuts } from './shortcut-keys.ts';
import type { Shortcut } from './shortcuts.ts';
import { hiddenPolicy, setUpHiddenPolicy } from './state/hidden-policy.ts';
import { MachineMenu } from './state/machine-menu.ts';
import { RunstateBar } from './state/runstate-bar.ts';
import { wakeOnTouch } from './state/wake-on-touch.ts';
import { StateLine } from './state-line.ts';
import { StoredGuest } from './stored-guest.ts';
import { showSurvival } from './survival-notice.ts';
import { TerminalView } from './terminal/terminal-view.ts';
import { typeFromAddress } from './typed-from-address.ts';
import type { StateSource, UrlOptions } from './url-options.ts';
import { markViewOnly } from './view-only.ts';

/** Longest wait for a guest that another page starts, before this page tries it, ms. */
const otherPageMs = 5000;

export class Playground {
  readonly #session: Session;
  readonly #options: UrlOptions;
  readonly #approval: AddressApproval;
  readonly #notices = new Notices(element('notices', HTMLElement));
  readonly #panes = new Panes();
  readonly #boot: BootBar;
  readonly #terminal: TerminalView;
  readonly #screen: ScreenView;
  readonly #monitor: MonitorView;
  readonly #buttons: MachineButtons;
  readonly #update: LiveUpdate;
  readonly #menu: MachineMenu;
  readonly #stored: StoredGuest;
  readonly #opener: StateOpener;
  /** The state in the address is opened once: after that its machine is this page's. */
  #stateOpened = false;
  /** The guest's end is told once. */
  #endShown = false;

  constructor(session: Session, options: UrlOptions) {
    this.#session = session;
    this.#options = options;
    this.#approval = new AddressApproval(options);
    new StateLine(session);
    this.#boot = new BootBar(session);
    this.#terminal = new TerminalView(session);
    this.#screen = this.#setUpScreen();
    this.#monitor = this.#setUpMonitor();
    this.#buttons = new MachineButtons(session, {
      attempt: (operation, work) => void this.#attempt(operation, work),
      startFresh: () => void this.#start(true),
      storedGuest: () => this.#stored.replaced,
    });
    this.#opener = new StateOpener({
      session,
      machineId: options.machineId,
      durable: options.durable,
      openInPage: (open) => this.#openInPage(open),
    });
    new ShareDialog(session);
    this.#menu = new MachineMenu(session, {
      attempt: (operation, work) => void this.#attempt(operation, work),
      expectNewMachine: () => this.#terminal.expectNewMachine(),
      newMachineBegan: () => this.#terminal.newMachineBegan(),
      openStateFile: (file) => this.#opener.openFile(file),
    });
    new RunstateBar(session, this.#menu);
    wakeOnTouch(session);
    markViewOnly(session);
    setUpHiddenPolicy();
    this.#update = new LiveUpdate(session, (error, again) =>
      this.#report(error, 'live-update', again),
    );
    new DurabilityNotice(session, this.#notices, () =>
      this.#attempt('storage', () => session.checkpoint()),
    );
    keepStorage(session);
    new MachineList({
      session,
      currentId: options.machineId,
      createMachine: () => location.assign(addressOf(randomId(), document.baseURI)),
    });
    this.#stored = new StoredGuest({
      session,
      notices: this.#notices,
      machineId: options.machineId,
      boot: (durable) => this.#start(false, durable && options.durable),
      startFresh: () => this.#buttons.askStartFresh(),
      resume: (takeOver) => this.#resumeStored(takeOver),
      failed: (error, again) => this.#report(error, 'storage', again),
    });
    session.onFailure((error, operation) => this.#report(error, operation));
    session.onChange(() => this.#showEnd());
    setUpShortcuts((shortcut) => this.#runShortcut(shortcut));
    this.#keepFocus();
  }

  get machine(): Machine | null {
    return this.#session.machine;
  }

  screenText(): string {
    return this.#screen.text();
  }

  terminalText(): string {
    return this.#terminal.text();
  }

  /** Connects, and attaches to the guest that is there or boots one. */
  async open(): Promise<void> {
    const isConnected = await this.#attempt(
      'connect',
      () => this.#session.connect(),
      () => this.open(),
    );
    if (!isConnected) return;
    this.#showSurvival();
    if (this.#options.state && !this.#stateOpened) await this.#openState(this.#options.state);
    else if (this.#session.status) this.#attached();
    else await this.#stored.open();
  }

  /** Opens the state that the address asks for; whatever fails, a guest that is there stays. */
  async #openState(source: StateSource): Promise<void> {
    this.#notices.remove('open-state');
    try {
      await this.#opener.openAddress(source);
      this.#stateOpened = true;
      this.#update.updateByItself();
    } catch (thrown) {
      const error = CprError.from(thrown, 'internal', 'The state could not be opened');
      if (this.#session.status) this.#attached();
      this.#report(error, 'open-state', () => void this.#openState(source));
    }
  }

  async #openInPage(open: (runtime: RuntimeSource) => Promise<void>): Promise<void> {
    this.#boot.begin();
    this.#endShown = false;
    try {
      this.#terminal.expectNewMachine();
      await open(runtimeSource(this.#runtime()));
      this.#terminal.newMachineBegan();
    } finally {
      this.#boot.end();
    }
  }

  /** Goes on with the guest in storage. */
  async #resumeStored(takeOver: boolean): Promise<void> {
    this.#boot.begin();
    this.#notices.remove('stored');
    this.#notices.remove('resume-stored');
    try {
      const runtime = this.#runtime();
      this.#terminal.expectNewMachine();
      const { fellBack } = await this.#session.resumeStored(
        this.#options.machineId,
        runtime,
        takeOver,
      );
      this.#terminal.newMachineBegan();
      this.#stored.settled();
      if (takeOver) this.#showSurvival();
      if (fellBack) this.#tellFellBack(fellBack);
      this.#update.updateByItself();
    } catch (thrown) {
      this.#boot.end();
      const error = CprError.from(thrown, 'internal', 'Could not resume the guest');
      if (error.code === 'taken-over') await this.#stored.lookOn();
      else if (error.code === 'bad-runstate' || (error.code === 'busy' && !takeOver))
        await this.#join(() => this.#resumeStored(takeOver));
      else this.#report(error, 'resume-stored', () => void this.#resumeStored(takeOver));
    }
  }

  #tellFellBack(reason: string): void {
    this.#notices.show('stored', {
      tone: 'warning',
      title: 'The newest checkpoint was damaged',
      text: 'The guest goes on from the one before it.',
      detail: reason,
    });
  }

  #runtime(): RuntimeBuild {
    const runtime = this.#options.runtime ?? runtimes[0];
    if (runtime) return runtime;
    throw new CprError('runtime-unavailable', 'This build ships no emulator.');
  }

  async #start(replace: boolean, durable = this.#options.durable): Promise<void> {
    this.#boot.begin();
    this.#endShown = false;
    this.#notices.remove('run');
    this.#notices.remove('stored');
    const { machineId } = this.#options;
    try {
      await this.#approval.require();
      const runtime = this.#runtime();
      const loaded = await loadDescribed(this.#options, document.baseURI);
      const { config: described, prompt, promptState } = loaded;
      const own = { ...hiddenPolicy(), id: machineId, durable };
      this.#terminal.expectNewMachine();
      // Who starts fresh wants to see it boot.
      const isOpened =
        promptState !== undefined &&
        !replace &&
        !this.#options.coldBoot &&
        (await this.#openedAtPrompt(promptState, own, runtime));
      if (!isOpened) await this.#session.start({ ...described, ...own }, runtime, replace);
      this.#terminal.newMachineBegan();
      this.#typeFromAddress(prompt);
      if (durable) this.#stored.settled();
    } catch (thrown) {
      const error = CprError.from(thrown, 'internal', 'Could not start the guest');
      const isThere = error.code === 'bad-runstate' || error.code === 'busy';
      if (isThere && !replace) {
        return this.#join(() => this.#start(replace, durable));
      }
      this.#boot.end();
      if (error.code === 'taken-over' && !replace) return this.#stored.lookOn();
      this.#report(error, 'start', () => void this.#start(replace, durable));
    }
  }

  /** @returns whether it was; if not, the guest can still be booted */
  async #openedAtPrompt(
    url: string,
    config: OpenStateOptions['config'],
    runtime: RuntimeBuild,
  ): Promise<boolean> {
    try {
      await this.#session.openPromptState(url, config, runtime);
      return true;
    } catch (thrown) {
      const { code } = CprError.from(thrown, 'internal', 'The state could not be opened');
      if (code === 'bad-runstate' || code === 'busy' || code === 'taken-over') throw thrown;
      console.warn('The guest boots, because its state at the prompt could not be opened:', thrown);
      return false;
    }
  }

  #typeFromAddress(prompt: string | undefined): void {
    const { typed } = this.#options;
    const { machine } = this.#session;
    if (!typed || !machine) return;
    const options = { machine, notices: this.#notices, typed, prompt };
    void this.#attempt('input', () =>
      typeFromAddress({ ...options, screenText: () => this.screenText() }),
    );
  }

  /** Another page was faster: this one shows its guest. @param again for when that page failed */
  async #join(again: () => Promise<void>): Promise<void> {
    if (await this.#session.anyStatus(otherPageMs)) this.#attached();
    else await again();
  }

  #attached(): void {
    const { arrival } = this.#session.status ?? {};
    // early.ts has asked for it: what this page found is what it brought back.
    const isOurs = arrival?.kind === 'resumed' && arrival.resumedAtMs >= performance.timeOrigin;
    this.#session.attached(isOurs ? 'resumed' : 'attached');
    if (isOurs && arrival.fellBack) this.#tellFellBack(arrival.fellBack);
    this.#tellOtherOptions();
    this.#update.updateByItself();
  }

  /** @returns whether it worked */
  async #attempt(
    operation: Operation,
    work: () => Promise<unknown>,
    again: () => void = () => void this.#attempt(operation, work),
  ): Promise<boolean> {
    this.#notices.remove(operation);
    try {
      await work();
      return true;
    } catch (thrown) {
      const error = CprError.from(thrown, 'internal', 'This did not work');
      // Who closes a dialog need not be told.
      if (error.code !== 'cancelled') this.#report(error, operation, again);
      return false;
    }
  }

  #report(error: CprError, operation: Operation, again?: () => void): void {
    const { title, advice, actions } = errorText(error, operation);
    const run: Record<ErrorAction, (() => void) | undefined> = {
      'try-again': again,
      'start-fresh': async () => {
        if (!(await this.#buttons.askStartFresh())) this.#report(error, operation, again);
      },
      reload: this.#reloadEndsGuest ? undefined : () => location.reload(),
      reconnect: () => void this.open(),
      'export-rest':
        operation === 'resume-stored'
          ? () => void this.#exportRest(() => this.#report(error, operation, again))
          : undefined,
    };
    // A lost keeper ends every operation: one notice says so.
    const isLost = error.code === 'keeper-gone' || error.code === 'keeper-silent';
    this.#notices.show(isLost ? 'run' : operation, {
      tone: 'error',
      title,
      text: advice,
      detail: `${error.message} (${error.code}${error.phase ? `, phase ${error.phase}` : ''})`,
      actions: actions.flatMap((action) => {
        const act = run[action];
        return act ? [{ label: actionLabel[action], run: act }] : [];
      }),
    });
  }

  /** @param back shows what offered this: it can be asked for again */
  async #exportRest(back: () => void): Promise<void> {
    const id = this.#options.machineId;
    await this.#attempt('storage', async () => {
      const missing = await this.#session.export(id, { kind: 'everything' });
      this.#notices.show('export', {
        tone: 'info',
        title: 'What is left was saved as a tar archive',
        text: 'In it are memory, disks as raw images, and what the consoles said; machine.json says what is missing.',
        detail: missing.join(' '),
      });
    });
    back();
  }

  get #reloadEndsGuest(): boolean {
    const { machine, status } = this.#session;
    return machine !== null && !machine.survivesReload && status?.runstate === 'running';
  }

  /** A guest that crashed, or that another page threw away. */
  #showEnd(): void {
    const { status, busy } = this.#session;
    const hasEnded = status?.runstate === 'internal-error' || status?.runstate === 'shutdown';
    if (!status || !hasEnded) {
      if (this.#endShown) this.#notices.remove('run');
      this.#endShown = false;
      return;
    }
    // What this page is doing with it is told elsewhere.
    const isOurs = busy !== null || this.#session.isSavedAway || this.#session.isWatching;
    if (this.#endShown || isOurs) return;
    this.#endShown = true;
    if (status.runstate === 'shutdown' && !status.destroyed) {
      this.#notices.show('run', {
        tone: 'info',
        title: 'The guest powered itself down',
        text: 'It goes on with a boot when you reset it.',
        actions: [
          { label: 'Reset', run: () => void this.#attempt('reset', () => this.#session.reset()) },
        ],
      });
      return;
    }
    const { reason } = status;
    if (reason?.code === 'taken-over') {
      void this.#stored.lookOn();
      return;
    }
    if (reason) {
      this.#report(new CprError(reason.code, reason.message), 'run');
      return;
    }
    if (status.runstate === 'shutdown') {
      this.#notices.show('run', {
        tone: 'info',
        title: 'There is no guest any more',
        text: 'It was saved and shut down, or removed, here or by another page. Load its state to go on, or start a new one.',
        actions: [
          { label: 'Load state…', run: () => void this.#menu.askLoad() },
          { label: actionLabel['start-fresh'], run: () => void this.#buttons.askStartFresh() },
        ],
      });
      return;
    }
    const crash = status.crash ?? 'The emulator gave no reason.';
    this.#report(new CprError('guest-crashed', crash), 'run');
  }

  #showSurvival(): void {
    showSurvival(this.#session, this.#options, this.#notices);
  }

  /** Options in the address do nothing to a guest that is there already. */
  #tellOtherOptions(): void {
    const { status } = this.#session;
    const asked = this.#options.memoryMiB;
    if (!status || asked === undefined || asked === status.config.memoryMiB) return;
    this.#notices.show('options', {
      tone: 'info',
      title: `This guest has ${status.config.memoryMiB} MiB of RAM, not ${asked}`,
      text: 'It was there before this page. The options in the address apply when a guest is started.',
      actions: [
        { label: actionLabel['start-fresh'], run: () => void this.#buttons.askStartFresh() },
      ],
    });
  }

  #setUpScreen(): ScreenView {
    const screen = new ScreenView(this.#session);
    const input = element('screen-input', HTMLTextAreaElement);
    new Keyboard(this.#session, screen.canvas, input, (characters) =>
      this.#notices.show('paste', {
        tone: 'info',
        title: 'Some characters were left out',
        text: `A US keyboard has no key for: ${characters.join(' ')}`,
      }),
    );
    new Mouse(this.#session, screen.canvas, input);
    const onClick = (id: string, run: () => void) =>
      element(id, HTMLButtonElement).addEventListener('click', run);
    onClick('screenshot', () => screen.saveScreenshot());
    onClick('fullscreen', () => screen.toggleFullScreen());
    const fullScreen = element('fullscreen', HTMLButtonElement);
    fullScreen.disabled = !document.fullscreenEnabled;
    if (fullScreen.disabled) fullScreen.title = 'This browser has no full screen for pages';
    onClick('screen-keyboard', () => input.focus());
    return screen;
  }

  #setUpMonitor(): MonitorView {
    const toggle = element('monitor-toggle', HTMLButtonElement);
    toggle.title = 'Type commands to the machine (Ctrl+Alt+3)';
    toggle.addEventListener('click', () => this.#toggleMonitor());
    element('monitor-close', HTMLButtonElement).addEventListener('click', () => {
      this.#panes.closeMonitor();
      toggle.focus();
    });
    return new MonitorView(this.#session);
  }

  /** Opens the monitor, goes there, or closes it when the keyboard is there already. */
  #toggleMonitor(): void {
    const isThere = element('pane-monitor', HTMLElement).contains(document.activeElement);
    if (isThere && this.#panes.isMonitorOpen) {
      this.#panes.closeMonitor();
      this.#terminal.focus();
      return;
    }
    this.#panes.choose('monitor');
    this.#monitor.focus();
  }

  #runShortcut(shortcut: Shortcut): void {
    switch (shortcut) {
      case 'leave':
        this.#leave();
        break;
      case 'terminal':
        this.#panes.choose('terminal');
        this.#terminal.focus();
        break;
      case 'screen':
        this.#panes.choose('screen');
        this.#screen.focus();
        break;
      case 'monitor':
        this.#toggleMonitor();
        break;
      case 'buttons':
        this.#buttons.focus();
        break;
      case 'pause':
        this.#buttons.togglePause();
        break;
      case 'update':
        this.#update.run();
        break;
      case 'full-screen':
        this.#panes.choose('screen');
        this.#screen.toggleFullScreen();
        break;
      case 'help':
        toggleHelp();
        break;
    }
  }

  /** Who typed into the guest when the page was reloaded goes on typing into it. */
  #keepFocus(): void {
    const views = { terminal: this.#terminal, screen: this.#screen, monitor: this.#monitor };
    const before = readFocus();
    if (before) views[before].focus();
    window.addEventListener('pagehide', () => {
      const focused = paneNames.find((name) =>
        element(name, HTMLElement).contains(document.activeElement),
      );
      writeFocus(focused ?? null);
    });
  }

  /** Gives the keyboard and the mouse back to the page. */
  #leave(): void {
    if (document.pointerLockElement) document.exitPointerLock();
    for (const name of paneNames) {
      if (element(name, HTMLElement).contains(document.activeElement))
        element(`${name}-end`, HTMLElement).focus();
    }
  }
}
