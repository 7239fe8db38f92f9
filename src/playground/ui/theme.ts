import { element } from './element.ts';
import { readSetting, writeSetting } from './settings.ts';

type Theme = 'light' | 'dark';

/**
 * The theme follows the system until the user chooses one. Choosing the system's own follows it again.
 */
export function setUpTheme(): void {
  const toggle = element('theme', HTMLButtonElement);
  const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
  const system = (): Theme => (systemIsDark.matches ? 'dark' : 'light');

  const show = () => {
    const chosen = readSetting('theme');
    document.documentElement.dataset.theme = chosen ?? '';
    const other = (chosen ?? system()) === 'dark' ? 'light' : 'dark';
    toggle.dataset.next = other;
    toggle.textContent = other === 'dark' ? 'Dark' : 'Light';
    toggle.title = `Switch to the ${other} theme`;
    toggle.setAttribute('aria-label', `Switch to the ${other} theme`);
  };

  toggle.addEventListener('click', () => {
    const next = toggle.dataset.next === 'dark' ? 'dark' : 'light';
    writeSetting('theme', next === system() ? null : next);
    show();
  });
  systemIsDark.addEventListener('change', show);
  show();
}
