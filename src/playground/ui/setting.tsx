/** Fields for the page's settings in this browser. */
import { readSetting, type SettingName, writeSetting } from './settings.ts';

export function SettingBox({ name, label }: { name: SettingName; label: string }) {
  return (
    <p>
      <label>
        <input
          type="checkbox"
          defaultChecked={readSetting(name) === 'on'}
          onChange={({ currentTarget }) => writeSetting(name, currentTarget.checked ? 'on' : null)}
        />{' '}
        {label}
      </label>
    </p>
  );
}

export interface SettingChoiceProps {
  name: SettingName;
  label: string;
  /** Values with their labels. The first is the default, which is not stored. */
  choices: readonly (readonly [value: string, words: string])[];
  note?: string;
}

export function SettingChoice({ name, label, choices, note }: SettingChoiceProps) {
  const usual = choices[0]?.[0] ?? '';
  const kept = readSetting(name) ?? usual;
  const keep = (value: string) => writeSetting(name, value === usual ? null : value);
  return (
    <p class="setting">
      <label>
        {label}
        <select onChange={({ currentTarget }) => keep(currentTarget.value)}>
          {choices.map(([value, words]) => (
            <option key={value} value={value} selected={value === kept}>
              {words}
            </option>
          ))}
        </select>
      </label>
      {note && <span class="fine">{note}</span>}
    </p>
  );
}
