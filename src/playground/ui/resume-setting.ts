/** The setting for a stored guest when the page is opened. */
import { readSetting } from './settings.ts';

type ResumeSetting = 'auto' | 'ask' | 'never';
const choices: readonly ResumeSetting[] = ['auto', 'ask', 'never'];

export function resumeSetting(): ResumeSetting {
  const kept = readSetting('resume');
  return choices.find((choice) => choice === kept) ?? 'auto';
}
