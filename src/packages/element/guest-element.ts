import type { CreateOptions } from '../../client/create-machine.ts';
import type { Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import { optionNames } from '../../protocol/options/option-table.ts';
import { textOptions } from '../../protocol/options/text-options.ts';
import { GuestPanes, isView } from './guest-panes.ts';
import { unknownAttributes } from './unknown-attributes.ts';

/** Events of the element, as `CustomEvent`s. None of them bubbles. */
export interface GuestElementEvents {
  /** A machine is available: started, found running, or resumed. */
  ready: CustomEvent<Machine>;
  /** About once a second, and when something changes. */
  status: CustomEvent<MachineStatus>;
  /** An option is invalid, the machine is unavailable, or it was lost. */
  error: CustomEvent<HoldfastError>;
}

interface ListenerMap extends Omit<HTMLElementEventMap, keyof GuestElementEvents> {}
interface ListenerMap extends GuestElementEvents {}

/** An element whose listeners receive the element's own events. */
interface GuestEventTarget extends HTMLElement {
  addEventListener<K extends keyof ListenerMap>(
    type: K,
    listener: (this: this, event: ListenerMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof ListenerMap>(
    type: K,
    listener: (this: this, event: ListenerMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** Without a document, as in server rendering, the class can be named but not created. */
const Base = (globalThis.HTMLElement ?? class {}) as unknown as new () => GuestEventTarget;

/**
 * `<holdfast-guest>`: a guest with its screen and its serial terminal.
 *
 * Attributes:
 *
 * - every option of `MachineOptions` as text (`hda="range:disk.img" memorymib="256"`)
 * - `machineid`, `keeperurl` and `host` as in `ConnectOptions`
 * - `view`: `both` (default), `screen` or `terminal`
 * - `muted`
 * - `autostart`: `off` leaves the start to {@link start}
 * - `demo`: the Linux that comes with the package
 *
 * Attributes are read when the machine is started. Only `view` and `muted` may change later. Other
 * values, such as files, are set with {@link options}.
 *
 * An element that is removed leaves its guest running.
 */
export abstract class GuestElement extends Base {
  static readonly observedAttributes = ['view', 'muted'];

  #options: CreateOptions = {};
  #machine: Machine | null = null;
  #starting: Promise<Machine> | null = null;
  #panes: GuestPanes | null = null;

  /** Creates or finds the machine. */
  protected abstract create(options: CreateOptions): Promise<Machine>;

  /** Options in addition to the attributes. They take precedence, and apply at the next {@link start}. */
  get options(): CreateOptions {
    return this.#options;
  }

  set options(options: CreateOptions) {
    this.#options = options;
  }

  /** Null before {@link GuestElementEvents.ready}, and after the element was removed. */
  get machine(): Machine | null {
    return this.#machine;
  }

  /** Mutes a guest with sound. Reflects the attribute. */
  get muted(): boolean {
    return this.hasAttribute('muted');
  }

  set muted(muted: boolean) {
    this.toggleAttribute('muted', muted);
  }

  /**
   * Starts the machine, or finds the one that runs. Called by itself unless `autostart` is `off`.
   * @throws HoldfastError as `createMachine`. The element dispatches it as an event as well.
   */
  start(): Promise<Machine> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<Machine> {
    try {
      this.#panes?.showMessage('Starting…');
      const machine = await this.create({ ...this.#attributeOptions(), ...this.#options });
      if (!this.isConnected) {
        machine.close();
        throw new HoldfastError('cancelled', 'The element was removed meanwhile.');
      }
      this.#attach(machine);
      return machine;
    } catch (thrown) {
      this.#starting = null;
      this.#panes?.showMessage('Not started');
      const error = HoldfastError.from(thrown, 'internal', 'The guest could not be started');
      this.#fail(error);
      throw error;
    }
  }

  connectedCallback(): void {
    this.#panes ??= new GuestPanes(this.shadowRoot ?? this.attachShadow({ mode: 'open' }), () => {
      this.muted = !this.muted;
    });
    this.#showAttributes();
    if (this.getAttribute('autostart') === 'off') return;
    // Scripts that create the element may set its options after inserting it.
    queueMicrotask(() => {
      if (this.isConnected) this.start().catch(() => {});
    });
  }

  disconnectedCallback(): void {
    this.#machine?.close();
    this.#machine = null;
    this.#starting = null;
    this.#panes?.detach();
  }

  attributeChangedCallback(): void {
    this.#showAttributes();
  }

  #showAttributes(): void {
    this.#panes?.setMuted(this.muted);
    const view = this.getAttribute('view') ?? 'both';
    if (isView(view)) this.#panes?.show(view);
  }

  #attributeOptions(): CreateOptions {
    const attributes = Array.from(this.attributes, ({ name, value }) => [name, value] as const);
    this.#checkNames(attributes.map(([name]) => name));
    const options = textOptions(attributes) as CreateOptions;
    const { machineid, keeperurl, host } = Object.fromEntries(attributes);
    if (machineid !== undefined) options.machineId = machineid;
    if (keeperurl !== undefined) options.keeperUrl = keeperurl;
    if (host === 'auto' || host === 'dedicated') options.host = host;
    return options;
  }

  /** @throws HoldfastError `bad-config` for an attribute that is probably misspelt */
  #checkNames(names: readonly string[]): void {
    const sentences: string[] = [];
    for (const { name, meant } of unknownAttributes(names, guestAttributes)) {
      if (meant === undefined)
        console.warn(`<${this.localName}> does not know the attribute "${name}".`);
      else sentences.push(`There is no attribute "${name}": did you mean "${meant}"?`);
    }
    if (sentences.length > 0) throw new HoldfastError('bad-config', sentences.join(' '));
  }

  #attach(machine: Machine): void {
    this.#machine = machine;
    this.#panes?.attach(machine, (error) => this.#fail(error));
    machine.on('status', ({ status }) => {
      this.#panes?.showStatus(status);
      this.#dispatch('status', status);
    });
    machine.on('error', ({ code, message }) => this.#fail(new HoldfastError(code, message)));
    machine.onLost((error) => {
      if (this.#machine !== machine) return;
      this.#machine = null;
      this.#starting = null;
      this.#fail(error);
    });
    if (machine.status) this.#panes?.showStatus(machine.status);
    this.#dispatch('ready', machine);
  }

  #fail(error: HoldfastError): void {
    this.#panes?.showMessage(error.message, true);
    this.#dispatch('error', error);
  }

  #dispatch<K extends keyof GuestElementEvents>(
    type: K,
    detail: GuestElementEvents[K]['detail'],
  ): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const ownAttributes = [
  'machineid',
  'keeperurl',
  'host',
  'view',
  'muted',
  'autostart',
  'demo',
] as const;

/** Attributes of the element, see {@link GuestElement}. */
export type GuestAttributes = {
  [name in Lowercase<keyof CreateOptions> | (typeof ownAttributes)[number]]?:
    | string
    | number
    | boolean
    | undefined;
};

/** Attributes that the element reads, for tools. */
export const guestAttributes: readonly string[] = [
  ...optionNames.map((name) => name.toLowerCase()),
  ...ownAttributes,
];
