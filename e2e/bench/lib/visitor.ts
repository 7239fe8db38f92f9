/** A visitor of a page with a guest. */
import type { GuestPage } from './guest-page.ts';

export interface Visitor extends Pick<GuestPage, 'console' | 'type'> {
  /** Ends the guest. */
  end?(): Promise<void>;
}
