import { openKeptStore } from '../../store/kept-store.ts';
import type { Store } from '../../store/types.ts';
import type { OpenStore } from './targets.ts';

export { openNewerStore } from '../../store/newer-store.ts';

/** Returns a function that opens the keeper's store at first use, and again after it was lost. */
export function keeperStore(): OpenStore {
  let opening: Promise<Store> | undefined;
  const forget = () => {
    opening = undefined;
  };
  return () => {
    if (!opening) {
      opening = openKeptStore({ onLost: forget });
      opening.catch(forget);
    }
    return opening;
  };
}
