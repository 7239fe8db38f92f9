/** Shows bad options of the address, in place of a guest. */
import { button, create } from '../ui/element.ts';
import { showFullPage } from '../ui/full-page.ts';
import type { UrlProblem } from './page-options.ts';

export function showBadOptions(problems: readonly UrlProblem[]): void {
  const [first] = problems;
  const meant = problems.every(({ meant }) => meant !== undefined);
  const without = button(problems.length === 1 ? 'Start without it' : 'Start without them', () =>
    goTo(addressWith(location.href, problems)),
  );
  const buttons = [without];
  if (meant) {
    const words = problems.length === 1 ? `Use ?${first?.meant}` : 'Use those that were meant';
    buttons.unshift(button(words, () => goTo(addressWith(location.href, problems, true))));
  }
  buttons[0]?.classList.add('primary');
  showFullPage(
    'An option in the address is not valid',
    ...problems.map(problemText),
    create('p', {
      text: 'Nothing was started. Correct the address and load the page again, or continue from here.',
    }),
    create('div', { class: 'notice-buttons', children: buttons }),
  );
}

function problemText({ option, value, allowed, meant }: UrlProblem): HTMLElement {
  const text =
    meant === undefined
      ? `: “${option}” may be ${allowed}.`
      : `: there is no such option. Did you mean “${meant}”?`;
  return create('p', {
    children: [
      create('code', { text: `${option.startsWith('#') ? '' : '?'}${option}=${value}` }),
      document.createTextNode(text),
    ],
  });
}

/** @param corrected sets the options that were probably meant */
function addressWith(address: string, problems: readonly UrlProblem[], corrected = false): string {
  const url = new URL(address);
  for (const { option, value, meant } of problems) {
    if (option.startsWith('#')) url.hash = '';
    url.searchParams.delete(option);
    if (corrected && meant !== undefined) url.searchParams.set(meant, value);
  }
  return url.href;
}

/** Loads the page even if only the fragment differs. */
function goTo(address: string): void {
  history.pushState(null, '', address);
  location.reload();
}
