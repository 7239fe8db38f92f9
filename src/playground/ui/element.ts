/** The element of index.html with this id. A missing one is a defect, and throws. */
export function element<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return found;
}

/** A new element with text, classes and children. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: { class?: string; text?: string; children?: Node[] } = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (options.class) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  if (options.children) made.append(...options.children);
  return made;
}

/** A button that is never a submit button. */
export function button(text: string, onClick: () => void): HTMLButtonElement {
  const made = create('button', { text });
  made.type = 'button';
  made.addEventListener('click', onClick);
  return made;
}
