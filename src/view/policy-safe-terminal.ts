/**
 * xterm.js under a content security policy without `unsafe-inline`. It writes `<style>` elements
 * and `style` attributes, which such a policy blocks; constructed style sheets and the CSSOM are
 * allowed.
 */
import { type ITerminalAddon, type ITerminalOptions, Terminal } from '@xterm/xterm';
import { isMonospaced, measureOnce, type WidthCache } from './character-widths.ts';
import { CursorBlink } from './cursor-blink.ts';

/** Opens a terminal in `container`, in the document or in a shadow tree. */
export function openTerminal(
  container: HTMLElement,
  options: ITerminalOptions,
  addons: readonly ITerminalAddon[],
): Terminal {
  const containerRoot = container.getRootNode();
  const root = containerRoot instanceof ShadowRoot ? containerRoot : document;
  const create = creatorOf(root);
  const documentOverride = new Proxy(document, {
    get(target, key) {
      if (key === 'createElement') return create;
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const terminal = new Terminal({ ...options, documentOverride });
  for (const addon of addons) terminal.loadAddon(addon);
  // The viewport of xterm.js 6.0.0 uses the window's own document and ignores the option.
  document.createElement = create as Document['createElement'];
  try {
    terminal.open(container);
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
  // The renderer of its rows uses it too, as long as the terminal exists.
  const { _core: core } = terminal as unknown as TerminalInternals;
  const renderer = core._renderService._renderer.value;
  renderer._rowFactory._document = documentOverride;
  measureOnce(renderer._widthCache, () => isMonospaced(terminal.options.fontFamily ?? 'monospace'));
  terminal.loadAddon(new CursorBlink(root));
  return terminal;
}

/** Internals of xterm.js 6.0.0. e2e/safety/policy.spec.ts fails when they move. */
interface TerminalInternals {
  _core: {
    _renderService: {
      _renderer: { value: { _rowFactory: { _document: Document }; _widthCache: WidthCache } };
    };
  };
}

function creatorOf(root: DocumentOrShadowRoot) {
  return (name: string): HTMLElement => {
    if (name === 'style') return sheetElement(root);
    const made = Document.prototype.createElement.call(document, name);
    if (name === 'span') made.setAttribute = setAttribute;
    return made;
  };
}

/** Returns an element in place of a `<style>`: its text goes into a style sheet of the root. */
function sheetElement(root: DocumentOrShadowRoot): HTMLElement {
  const sheet = new CSSStyleSheet();
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const element = Document.prototype.createElement.call(document, 'template');
  Object.defineProperty(element, 'textContent', {
    set: (css: string) => sheet.replaceSync(css),
  });
  element.remove = () => {
    root.adoptedStyleSheets = root.adoptedStyleSheets.filter((adopted) => adopted !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}

/** Sets 24-bit colours through the CSSOM: the only `style` attributes that xterm.js sets. */
function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}
