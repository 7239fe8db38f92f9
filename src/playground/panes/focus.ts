import { type PaneName, paneNames } from './panes.ts';

// For this tab only: another tab may have another focus.
const key = 'holdfast.focus';

/** The pane that had the focus when this tab left the page. Undefined on its first visit. */
export function readFocus(): PaneName | null | undefined {
  try {
    const value = sessionStorage.getItem(key);
    if (value === null) return undefined;
    return paneNames.find((name) => name === value) ?? null;
  } catch {
    // Storage is blocked.
    return null;
  }
}

export function writeFocus(pane: PaneName | null): void {
  try {
    sessionStorage.setItem(key, pane ?? '');
  } catch {
    // Storage is blocked.
  }
}
