/** Terminal, screen and monitor, and the focus among them. */
import { Keyboard } from '../../view/keyboard.ts';
import { Mouse } from '../../view/mouse.ts';
import { MonitorView } from '../monitor/monitor-view.ts';
import type { Notices } from '../notices/notices.tsx';
import { ScreenView } from '../screen/screen-view.ts';
import { SoundButton } from '../screen/sound-button.ts';
import type { Session } from '../session/session.ts';
import { TerminalView } from '../terminal/terminal-view.ts';
import { element } from '../ui/element.ts';
import { readFocus, writeFocus } from './focus.ts';
import { type PaneName, Panes, paneNames } from './panes.ts';
import { UsedView } from './used-view.ts';

export class PaneViews {
  readonly terminal: TerminalView;
  readonly screen: ScreenView;
  readonly #monitor: MonitorView;
  readonly #panes = new Panes();

  constructor(session: Session, notices: Notices) {
    this.terminal = new TerminalView(session);
    this.screen = setUpScreen(session, notices);
    new SoundButton(session);
    this.#monitor = this.#setUpMonitor(session);
    element('show-terminal', HTMLButtonElement).addEventListener('click', () =>
      this.goTo('terminal'),
    );
    new UsedView({
      session,
      hasSpoken: () => this.terminal.hasSpoken,
      changed: (onlyScreen) => this.#useOnlyScreen(onlyScreen),
    });
  }

  /** The screen takes the focus from a hidden terminal, and from nothing else. */
  #useOnlyScreen(onlyScreen: boolean): void {
    const { activeElement, body } = document;
    const isAtTerminal = element('terminal', HTMLElement).contains(activeElement);
    this.#panes.useOnlyScreen(onlyScreen);
    if (!onlyScreen) return;
    if (isAtTerminal || (activeElement === body && hasKeyboard())) this.screen.focus();
  }

  #setUpMonitor(session: Session): MonitorView {
    const toggle = element('monitor-toggle', HTMLButtonElement);
    toggle.title = 'Type commands to the machine (Ctrl+Alt+3)';
    toggle.addEventListener('click', () => this.toggleMonitor());
    element('monitor-close', HTMLButtonElement).addEventListener('click', () => {
      this.#panes.closeMonitor();
      toggle.focus();
    });
    return new MonitorView(session);
  }

  /** Shows this pane and focuses it. */
  goTo(name: PaneName): void {
    this.#panes.choose(name);
    this.#view(name).focus();
  }

  /** Opens the monitor, focuses it, or closes it if it has the focus. */
  toggleMonitor(): void {
    const isThere = element('pane-monitor', HTMLElement).contains(document.activeElement);
    if (isThere && this.#panes.isMonitorOpen) {
      this.#panes.closeMonitor();
      this.terminal.focus();
      return;
    }
    this.goTo('monitor');
  }

  toggleFullScreen(): void {
    this.#panes.choose('screen');
    this.screen.toggleFullScreen();
  }

  /**
   * Keeps the focus across a reload. On a first visit the terminal has it, except where that would open an
   * on-screen keyboard.
   */
  keepFocus(): void {
    const before = readFocus();
    if (before) this.#view(before).focus();
    else if (before === undefined && hasKeyboard() && document.activeElement === document.body)
      this.terminal.focus();
    window.addEventListener('pagehide', () => {
      const focused = paneNames.find((name) =>
        element(name, HTMLElement).contains(document.activeElement),
      );
      writeFocus(focused ?? null);
    });
  }

  /** Gives the keyboard and the mouse back to the page. */
  leave(): void {
    if (document.pointerLockElement) document.exitPointerLock();
    for (const name of paneNames) {
      if (element(name, HTMLElement).contains(document.activeElement))
        element(`${name}-end`, HTMLElement).focus();
    }
  }

  #view(name: PaneName): { focus(): void } {
    return { terminal: this.terminal, screen: this.screen, monitor: this.#monitor }[name];
  }
}

const hasKeyboard = () => matchMedia('(pointer: fine)').matches;

function setUpScreen(session: Session, notices: Notices): ScreenView {
  const screen = new ScreenView(session);
  const input = element('screen-input', HTMLTextAreaElement);
  new Keyboard(session, screen.canvas, input, (text) =>
    notices.show('paste', { tone: 'info', title: 'Some characters were left out', text }),
  );
  new Mouse(session, screen.canvas, input);
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
