/**
 * Defines `<holdfast-guest>`: a script tag is all that a page needs.
 *
 * ```html
 * <script type="module" src="node_modules/holdfast/dist-lib/element.js"></script>
 * <holdfast-guest demo></holdfast-guest>
 * ```
 * @module
 */

import { type CreateOptions, createMachine } from '../../client/create-machine.ts';
import type { Machine } from '../../client/types.ts';
import { GuestElement } from '../element/guest-element.ts';
import { files } from './asset-files.ts';

export {
  type GuestAttributes,
  GuestElement,
  type GuestElementEvents,
  guestAttributes,
} from '../element/guest-element.ts';

/** {@link GuestElement} with the runtimes and the firmware of this package. */
export class HoldfastGuest extends GuestElement {
  protected override create(options: CreateOptions): Promise<Machine> {
    const demo = this.hasAttribute('demo') ? files.demo.options : {};
    return createMachine({ ...demo, ...options }, files);
  }
}

// Server rendering imports this module without a document.
if (globalThis.customElements && !customElements.get('holdfast-guest'))
  customElements.define('holdfast-guest', HoldfastGuest);

declare global {
  interface HTMLElementTagNameMap {
    'holdfast-guest': HoldfastGuest;
  }
}
