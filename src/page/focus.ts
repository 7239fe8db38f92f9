import { type PaneName, paneNames } from './panes.ts';

// For this tab only: another tab may be at something else.
const key = 'holdfast.focus';

/** The pane that had the keyboard when this tab left the page. */
export function readFocus(): PaneName | null {
  try {
    const value = sessionStorage.getItem(key);
    return paneNames.find((name) => name === value) ?? null;
  } catch {
    // Storage is blocked.
    return null;
  }
}

export function writeFocus(pane: PaneName | null): void {
  try {
    if (pane === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, pane);
  } catch {
    // As above.
  }
}
