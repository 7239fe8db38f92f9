import type { Machine } from '../client/types.ts';
import type { GuestLink } from './guest-link.ts';

/** A touch that moves less than this is a click. CSS pixels. */
const tapPx = 8;
/** Largest movement in a PS/2 packet. */
const longestStep = 127;

/**
 * The guest's mouse. A guest that uses absolute positions follows the pointer. For a guest that
 * uses movements, a click captures the pointer until Ctrl+Alt or Escape.
 */
export class Mouse {
  readonly #session: GuestLink;
  readonly #canvas: HTMLCanvasElement;
  readonly #input: HTMLElement;
  #enabled = false;
  #absolute = false;
  /** Movements of this frame, sent as one. */
  #move = { x: 0, y: 0 };
  #frame = 0;
  #touch: { x: number; y: number; moved: boolean } | null = null;

  /** @param input has the focus while the keyboard of a phone is open */
  constructor(session: GuestLink, canvas: HTMLCanvasElement, input: HTMLElement) {
    this.#session = session;
    this.#canvas = canvas;
    this.#input = input;
    session.onMachine((machine) => this.#follow(machine));
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#moved(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    canvas.addEventListener('pointercancel', () => this.#release());
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('contextmenu', (event) => {
      if (this.#enabled) event.preventDefault();
    });
    canvas.addEventListener('blur', () => this.#release());
    canvas.addEventListener('mousedown', (event) => {
      // A tap would take the focus, and close the keyboard of a phone.
      if (this.#isTyping) event.preventDefault();
    });
  }

  #follow(machine: Machine): void {
    machine.on('mouse-mode', ({ absolute, enabled }) => {
      this.#enabled = enabled;
      this.#absolute = absolute;
      this.#canvas.style.cursor = enabled && absolute ? 'none' : '';
      if ((absolute || !enabled) && this.#isCaptured) document.exitPointerLock();
    });
  }

  get #isCaptured(): boolean {
    // In a shadow tree `document.pointerLockElement` is the host.
    const root = this.#canvas.getRootNode() as Document | ShadowRoot;
    return root.pointerLockElement === this.#canvas;
  }

  /** Whether the keyboard of a phone is open for the guest. */
  get #isTyping(): boolean {
    return this.#input.matches(':focus');
  }

  #down(event: PointerEvent): void {
    if (!this.#isTyping) this.#canvas.focus();
    if (!this.#enabled) return;
    event.preventDefault();
    if (event.pointerType === 'touch' && !this.#absolute) {
      this.#touch = { x: event.clientX, y: event.clientY, moved: false };
      return;
    }
    if (!this.#absolute && !this.#isCaptured) {
      // The guest does not receive the click that captures the pointer.
      this.#canvas.requestPointerLock();
      return;
    }
    if (this.#absolute) {
      this.#canvas.setPointerCapture(event.pointerId);
      this.#sendPosition(event);
    }
    this.#sendButtons(event.buttons);
  }

  #moved(event: PointerEvent): void {
    if (!this.#enabled) return;
    if (this.#absolute) this.#sendPosition(event);
    else if (this.#touch) this.#dragged(event, this.#touch);
    else if (this.#isCaptured) this.#addMove(event.movementX, event.movementY);
    // A press or release of a second button while one is held arrives as a move.
    if (event.button !== -1 && !this.#touch) this.#sendButtons(event.buttons);
  }

  #dragged(event: PointerEvent, touch: { x: number; y: number; moved: boolean }): void {
    const x = event.clientX - touch.x;
    const y = event.clientY - touch.y;
    if (!touch.moved && Math.hypot(x, y) < tapPx) return;
    this.#touch = { x: event.clientX, y: event.clientY, moved: true };
    this.#addMove(x, y);
  }

  #up(event: PointerEvent): void {
    if (!this.#enabled) return;
    if (this.#touch) {
      if (!this.#touch.moved) {
        this.#sendButtons(1);
        this.#sendButtons(0);
      }
      this.#touch = null;
      return;
    }
    if (this.#absolute || this.#isCaptured) this.#sendButtons(event.buttons);
  }

  #wheel(event: WheelEvent): void {
    if (!this.#enabled || (!this.#absolute && !this.#isCaptured)) return;
    event.preventDefault();
    const delta = -Math.sign(event.deltaY);
    if (delta !== 0) this.#session.send((machine) => machine.mouseWheel(delta));
  }

  #release(): void {
    this.#touch = null;
    if (this.#enabled) this.#sendButtons(0);
  }

  #addMove(x: number, y: number): void {
    this.#move.x += x;
    this.#move.y += y;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const { x: dx, y: down } = this.#move;
      this.#move = { x: 0, y: 0 };
      for (const [x, y] of packets(dx, down)) {
        // A PS/2 mouse counts upwards.
        this.#session.send((machine) => machine.mouseDelta(x, -y));
      }
    });
  }

  #sendPosition(event: PointerEvent): void {
    const box = this.#canvas.getBoundingClientRect();
    const { width, height } = this.#canvas;
    const inside = (value: number, most: number) => Math.max(0, Math.min(most - 1, value));
    const x = inside(((event.clientX - box.left) / box.width) * width, width);
    const y = inside(((event.clientY - box.top) / box.height) * height, height);
    this.#session.send((machine) => machine.mouseAbsolute(x, y, width, height));
  }

  /** @param buttons as in MouseEvent.buttons */
  #sendButtons(buttons: number): void {
    const [left, right, middle] = [1, 2, 4].map((bit) => (buttons & bit) !== 0);
    this.#session.send((machine) => machine.mouseButtons(!!left, !!middle, !!right));
  }
}

/** Splits a movement into steps that fit into PS/2 packets. */
function packets(dx: number, dy: number): [number, number][] {
  const count = Math.ceil(Math.max(Math.abs(dx), Math.abs(dy)) / longestStep);
  return Array.from({ length: count }, () => [dx / count, dy / count]);
}
