import { GuestSound } from '../../view/guest-sound.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { readSetting, writeSetting } from '../ui/settings.ts';

/** Mutes a guest that has sound. */
export class SoundButton {
  readonly #sound = new GuestSound({ muted: readSetting('muted') === 'on' });
  readonly #button = element('mute', HTMLButtonElement);
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    session.onMachine((machine) => this.#sound.follow(machine));
    session.onChange(() => this.#show());
    this.#button.addEventListener('click', () => {
      this.#sound.muted = !this.#sound.muted;
      writeSetting('muted', this.#sound.muted ? 'on' : null);
      this.#show();
    });
    this.#show();
  }

  #show(): void {
    this.#button.hidden = !this.#session.status?.config.sound;
    this.#button.setAttribute('aria-pressed', String(this.#sound.muted));
  }
}
