/**
 * Defines `<holdfast-guest>`: a script tag is all that a page needs.
 *
 * ```html
 * <script type="module" src="node_modules/holdfast/dist-lib/element.js"></script>
 * <holdfast-guest cdrom="debian.iso" memorymib="256"></holdfast-guest>
 * ```
 * @module
 */
import { assets } from 'virtual:holdfast-assets';
import { GuestElement } from '../element/guest-element.ts';
import { type CreateOptions, createMachine } from '../machine/create-machine.ts';
import type { Machine } from '../machine/types.ts';

export {
  GuestElement,
  type GuestElementEvents,
  guestAttributes,
} from '../element/guest-element.ts';

/** {@link GuestElement} with the emulators and the firmware of this package. */
export class HoldfastGuest extends GuestElement {
  protected override create(options: CreateOptions): Promise<Machine> {
    return createMachine(options, assets);
  }
}

if (!customElements.get('holdfast-guest')) customElements.define('holdfast-guest', HoldfastGuest);

declare global {
  interface HTMLElementTagNameMap {
    'holdfast-guest': HoldfastGuest;
  }
}
