/** The bar that offers a newer emulator. */
import { render } from 'preact';
import { readSetting, writeSetting } from '../ui/settings.ts';

export interface UpdateOffer {
  text: string;
  isDisabled: boolean;
  run(): void;
  dismiss(): void;
}

export function showOffer(root: HTMLElement, offer: UpdateOffer | null): void {
  render(
    offer && (
      <section class="bar update-bar" aria-label="Newer emulator">
        <span>{offer.text}</span>
        <button type="button" disabled={offer.isDisabled} onClick={offer.run}>
          Live update
        </button>
        <label>
          <input
            type="checkbox"
            checked={readSetting('auto-update') === 'on'}
            onChange={({ currentTarget }) =>
              writeSetting('auto-update', currentTarget.checked ? 'on' : null)
            }
          />{' '}
          Always update by itself
        </label>
        <button type="button" class="quiet" onClick={offer.dismiss}>
          Not now
        </button>
      </section>
    ),
    root,
  );
}
