/** The demo guest that preload-prompt.ts offered to the keeper of this page. */
import { writeSetting } from '../ui/settings.ts';

export interface PreloadedPrompt {
  /** Known by the time that the keeper has answered a call: one of an earlier release never hears. */
  isHeard: boolean;
  /** Whether the keeper runs it. */
  opened: Promise<boolean>;
}

declare global {
  interface Window {
    holdfastPreloadedPrompt?: PreloadedPrompt;
  }
}

/** For a page that is connected; once. @returns whether the keeper runs the guest */
export async function takePreloadedPrompt(): Promise<boolean> {
  const { holdfastPreloadedPrompt: early } = window;
  delete window.holdfastPreloadedPrompt;
  return early?.isHeard === true && early.opened;
}

/** From now on this browser may have a guest in storage: that one comes first, and without ado. */
export function noteVisit(): void {
  writeSetting('visited', 'yes');
}
