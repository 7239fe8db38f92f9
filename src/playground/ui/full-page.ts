import { create, element } from './element.ts';

/** Shows a message in place of the page: nothing can be started. */
export function showFullPage(title: string, ...content: Node[]): void {
  const message = create('div', {
    class: 'full-page',
    children: [create('h2', { text: title }), ...content],
  });
  message.setAttribute('role', 'alert');
  element('main', HTMLElement).replaceChildren(message);
  document.title = `${title} – Holdfast`;
}

/** @param missing names of the missing features */
export function showUnsupported(missing: readonly string[]): void {
  showFullPage(
    'This browser cannot run the guest',
    create('p', { text: 'Holdfast needs what this browser does not have:' }),
    create('ul', { children: missing.map((text) => create('li', { text })) }),
    create('p', {
      text: 'Open this page in a current version of Chrome, Edge, Firefox or Safari.',
    }),
  );
}
