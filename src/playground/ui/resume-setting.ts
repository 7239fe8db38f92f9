/** The setting for a stored guest when the page is opened. */
import { element } from './element.ts';
import { readSetting, writeSetting } from './settings.ts';

type ResumeSetting = 'auto' | 'ask' | 'never';
const choices: readonly ResumeSetting[] = ['auto', 'ask', 'never'];

export function resumeSetting(): ResumeSetting {
  const kept = readSetting('resume');
  return choices.find((choice) => choice === kept) ?? 'auto';
}

export function setUpResumeSetting(): void {
  const select = element('setting-resume', HTMLSelectElement);
  select.value = resumeSetting();
  select.addEventListener('change', () => {
    writeSetting('resume', select.value === 'auto' ? null : select.value);
  });
}
