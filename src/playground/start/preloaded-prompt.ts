/** The demo guest that preload-prompt.ts has sent to the keeper of this page. */
import { writeSetting } from '../ui/settings.ts';

export interface PreloadedPrompt {
  /** Final once the keeper has answered a call. A keeper of an earlier release sends no receipt. */
  isReceived: boolean;
  /** Whether the keeper runs the demo guest. */
  opened: Promise<boolean>;
}

declare global {
  interface Window {
    holdfastPreloadedPrompt?: PreloadedPrompt;
  }
}

/**
 * For a connected page, once.
 * @returns whether the keeper runs the guest
 */
export async function takePreloadedPrompt(): Promise<boolean> {
  const { holdfastPreloadedPrompt: preloaded } = window;
  delete window.holdfastPreloadedPrompt;
  return preloaded?.isReceived === true && preloaded.opened;
}

/** From now on this browser may have a guest in storage, which comes first. */
export function noteVisit(): void {
  writeSetting('visited', 'yes');
}
