/** The elements of the shadow tree. Made one by one: pages that enforce Trusted Types parse no HTML. */

type Attributes = Record<string, string | true>;

function part(tag: string, attributes: Attributes, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    made.setAttribute(name, value === true ? '' : value);
  made.append(...children);
  return made;
}

const tab = (pane: string, text: string) =>
  part('button', { type: 'button', role: 'tab', 'data-pane': pane }, text);

/** The bar, the screen beside the terminal, and the notice. */
export function elementParts(): HTMLElement[] {
  return [
    part(
      'div',
      { class: 'bar', part: 'bar' },
      part('span', { class: 'state', role: 'status' }),
      part(
        'span',
        { class: 'tabs', role: 'tablist' },
        tab('screen', 'Screen'),
        tab('terminal', 'Terminal'),
      ),
      part(
        'button',
        { type: 'button', class: 'mute', part: 'mute', 'aria-pressed': 'false', hidden: true },
        'Mute',
      ),
      part('span', { class: 'keys', part: 'keys' }),
    ),
    part(
      'div',
      { class: 'panes' },
      part(
        'div',
        { class: 'screen', part: 'screen', 'data-pane': 'screen' },
        part('canvas', {
          tabindex: '0',
          'aria-label': 'Screen of the guest',
          width: '720',
          height: '400',
        }),
        part('textarea', {
          class: 'input',
          'aria-label': 'Keyboard of the guest',
          autocapitalize: 'off',
          autocomplete: 'off',
          autocorrect: 'off',
          spellcheck: 'false',
        }),
      ),
      part('div', { class: 'terminal', part: 'terminal', 'data-pane': 'terminal' }),
    ),
    part('div', { class: 'notice', part: 'notice', role: 'alert', hidden: true }),
  ];
}
