/** The bar that offers a newer emulator, or a newer keeper. */
import { render } from 'preact';
import { readSetting, writeSetting } from '../ui/settings.ts';

export interface UpdateOffer {
  /** Name of the bar. */
  name: string;
  text: string;
  /** Text of the button. */
  label: string;
  isDisabled: boolean;
  run(): void;
  dismiss(): void;
}

export function showOffer(root: HTMLElement, offer: UpdateOffer | null): void {
  render(
    offer && (
      <section class="bar update-bar" aria-label={offer.name}>
        <span>{offer.text}</span>
        <button type="button" disabled={offer.isDisabled} onClick={offer.run}>
          {offer.label}
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
