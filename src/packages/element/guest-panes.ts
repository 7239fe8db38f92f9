import type { Machine } from '../../client/types.ts';
import type { HoldfastError } from '../../errors.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import type { GuestLink } from '../../view/guest-link.ts';
import { GuestSound } from '../../view/guest-sound.ts';
import { Keyboard } from '../../view/keyboard.ts';
import { Mouse } from '../../view/mouse.ts';
import { ScreenCanvas } from '../../view/screen-canvas.ts';
import { fitPicture } from '../../view/screen-scale.ts';
import { elementParts } from './element-parts.ts';
import { GuestTerminal } from './guest-terminal.ts';
import { KeyBar } from './key-bar.ts';
import { styleSheet } from './style.ts';

const views = ['both', 'screen', 'terminal'] as const;
export type View = (typeof views)[number];
export const isView = (text: string): text is View => views.some((view) => view === text);

type Pane = Exclude<View, 'both'>;

/** How long the notice shows which characters were left out. */
const leftOutMs = 10_000;

/** Contents of the element's shadow root: a bar, the screen, the terminal, and errors. */
export class GuestPanes implements GuestLink {
  readonly #root: ShadowRoot;
  readonly #screen: ScreenCanvas;
  readonly #terminal: GuestTerminal;
  readonly #sound = new GuestSound({ muted: false });
  readonly #listeners: ((machine: Machine) => void)[] = [];
  #machine: Machine | null = null;
  #failed: (error: HoldfastError) => void = () => {};
  #pane: Pane = 'screen';
  /** The message that is shown. */
  #crash: string | undefined;
  #leftOutTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param toggleMuted called when its button is pressed */
  constructor(root: ShadowRoot, toggleMuted: () => void) {
    this.#root = root;
    root.adoptedStyleSheets = [styleSheet()];
    root.append(...elementParts());
    const canvas = this.#find('canvas', HTMLCanvasElement);
    const input = this.#find('textarea', HTMLTextAreaElement);
    this.#screen = new ScreenCanvas(canvas, () => this.#fit());
    this.#terminal = new GuestTerminal(this.#find('.terminal', HTMLElement), this);
    new Keyboard(this, canvas, input, (text) => this.#showLeftOut(text));
    new Mouse(this, canvas, input);
    new KeyBar(this.#find('.keys', HTMLElement), {
      sendKey: (keys) => this.#sendKey(keys),
      focusKeyboard: () => (this.#pane === 'screen' ? input.focus() : this.#terminal.focus()),
    });
    this.#find('.mute', HTMLElement).addEventListener('click', toggleMuted);
    for (const tab of root.querySelectorAll<HTMLElement>('[role=tab]')) {
      tab.addEventListener('click', () => this.#choose(tab.dataset.pane as Pane));
    }
    // Keys go to the pane that was used last.
    for (const pane of root.querySelectorAll<HTMLElement>('.panes > *')) {
      pane.addEventListener('focusin', () => this.#choose(pane.dataset.pane as Pane));
    }
    new ResizeObserver(() => this.#fit()).observe(this.#find('.screen', HTMLElement));
    this.#choose('screen');
  }

  show(view: View): void {
    (this.#root.host as HTMLElement).dataset.view = view;
    this.#find('.panes', HTMLElement).dataset.view = view;
    this.#find('.tabs', HTMLElement).hidden = view !== 'both';
    if (view !== 'both') this.#choose(view);
  }

  setMuted(muted: boolean): void {
    this.#sound.muted = muted;
    this.#find('.mute', HTMLElement).setAttribute('aria-pressed', String(muted));
  }

  attach(machine: Machine, failed: (error: HoldfastError) => void): void {
    this.#machine = machine;
    this.#failed = failed;
    this.#crash = undefined;
    this.#find('.notice', HTMLElement).hidden = true;
    this.#screen.follow(machine);
    this.#terminal.follow(machine);
    this.#sound.follow(machine);
    for (const listener of this.#listeners) listener(machine);
  }

  detach(): void {
    this.#machine = null;
    this.#sound.follow(null);
    this.#screen.dispose();
  }

  showStatus({ runstate, config, destroyed, crash }: MachineStatus): void {
    const state = this.#find('.state', HTMLElement);
    state.textContent = `${config.name}: ${destroyed ? 'ended' : runstate}`;
    state.dataset.runstate = runstate;
    this.#find('.mute', HTMLElement).hidden = !config.sound;
    if (crash) this.#showCrash(crash);
  }

  /** @param isError keeps the text until a guest runs */
  showMessage(text: string, isError = false): void {
    const state = this.#find('.state', HTMLElement);
    if (!isError) {
      state.textContent = text;
      return;
    }
    const notice = this.#find('.notice', HTMLElement);
    notice.textContent = text;
    notice.hidden = false;
  }

  #showCrash(crash: string): void {
    // Status events come once a second: text that the user opened or selected must stay.
    if (this.#crash === crash) return;
    this.#crash = crash;
    this.showMessage('The emulator crashed, and the guest cannot continue.', true);
    const details = document.createElement('details');
    const summary = Object.assign(document.createElement('summary'), {
      textContent: 'Details for a report',
    });
    details.append(summary, Object.assign(document.createElement('pre'), { textContent: crash }));
    this.#find('.notice', HTMLElement).append(details);
  }

  /** The state line would be overwritten within a second. */
  #showLeftOut(text: string): void {
    this.showMessage(text, true);
    clearTimeout(this.#leftOutTimer);
    this.#leftOutTimer = setTimeout(() => {
      const notice = this.#find('.notice', HTMLElement);
      if (notice.textContent === text) notice.hidden = true;
    }, leftOutMs);
  }

  send(call: (machine: Machine) => Promise<void>): void {
    if (!this.#machine) return;
    call(this.#machine).catch((error: HoldfastError) => {
      const expected = ['no-machine', 'bad-runstate', 'busy', 'keeper-gone', 'keeper-silent'];
      if (!expected.includes(error.code)) this.#failed(error);
    });
  }

  onMachine(listener: (machine: Machine) => void): void {
    this.#listeners.push(listener);
  }

  #sendKey(keys: string): void {
    if (this.#pane === 'terminal' && this.#terminal.sendKey(keys)) return;
    this.send((machine) => machine.sendKey(keys));
  }

  #choose(pane: Pane): void {
    this.#pane = pane;
    this.#find('.panes', HTMLElement).dataset.pane = pane;
    for (const tab of this.#root.querySelectorAll<HTMLElement>('[role=tab]'))
      tab.setAttribute('aria-selected', String(tab.dataset.pane === pane));
  }

  #fit(): void {
    const { canvas } = this.#screen;
    const room = this.#find('.screen', HTMLElement);
    const size = { width: room.clientWidth, height: room.clientHeight };
    if (size.width <= 0 || size.height <= 0) return;
    const scale = fitPicture(canvas, size, devicePixelRatio, true);
    canvas.style.width = `${scale.width}px`;
    canvas.style.height = `${scale.height}px`;
    canvas.style.imageRendering = scale.pixelated ? 'pixelated' : 'auto';
  }

  #find<T extends Element>(selector: string, kind: new () => T): T {
    const found = this.#root.querySelector(selector);
    if (found instanceof kind) return found;
    throw new Error(`The element has no ${selector}.`);
  }
}
