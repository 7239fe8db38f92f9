import { type PaneName, paneNames } from './panes.ts';

// For this tab only: another tab may be at something else.
const key = 'holdfast.focus';

/** The pane that had the keyboard when this tab left the page; undefined where it was never here. */
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
    // As above.
  }
}
