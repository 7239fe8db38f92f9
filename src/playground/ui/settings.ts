/** Settings of the page itself, which this browser keeps. */
export type SettingName =
  | 'theme'
  | 'muted'
  | 'tab'
  | 'auto-update'
  | 'resume'
  | 'screen-reader'
  | 'monitor'
  | 'monitor-history'
  | 'suspend-when-hidden-ms'
  | 'visited'
  | 'keeper-moved';

const prefix = 'holdfast.';
const listeners = new Map<SettingName, (() => void)[]>();

/** Calls the listener when this page changes the setting. */
export function onSetting(name: SettingName, listener: () => void): void {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

export function readSetting(name: SettingName): string | null {
  try {
    return localStorage.getItem(prefix + name);
  } catch {
    // Storage is blocked: settings are not kept.
    return null;
  }
}

export function writeSetting(name: SettingName, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, value);
  } catch {
    // Storage is blocked: settings are not kept.
  }
  for (const listener of listeners.get(name) ?? []) listener();
}
