/** The switch for checkpoints in the machine's menu, and its explanation. */
import { whatOffMeans } from '../notices/durability-text.ts';
import type { Notices } from '../notices/notices.tsx';
import type { Operation } from '../session/operation.ts';
import type { Session } from '../session/session.ts';
import { ask } from '../ui/ask.tsx';
import type { MenuItem } from '../ui/menu.tsx';

const subject = 'checkpoints-off';

interface CheckpointSwitchOptions {
  session: Session;
  notices: Notices;
  /** Shows failures to the user. */
  attempt(operation: Operation, work: () => Promise<unknown>): void;
}

export class CheckpointSwitch {
  readonly #options: CheckpointSwitchOptions;

  constructor(options: CheckpointSwitchOptions) {
    this.#options = options;
    options.session.onChange(() => this.#update());
  }

  /** Its item of the menu. */
  get item(): MenuItem {
    const { machine, status, busy, isWatching } = this.#options.session;
    const canStore = status?.durability !== undefined && !status.destroyed;
    return {
      label: this.#isOn ? 'Switch checkpoints off…' : 'Switch checkpoints on',
      title: 'Whether this browser stores the guest while it runs',
      isDisabled: busy !== null || machine === null || isWatching || !canStore,
      run: () => void (this.#isOn ? this.#askOff() : this.#switch(true)),
    };
  }

  get #isOn(): boolean {
    return this.#options.session.status?.config.durable === true;
  }

  async #askOff(): Promise<void> {
    const { status } = this.#options.session;
    const yes = await ask({
      title: 'Switch checkpoints off?',
      text: `The guest keeps running, but is no longer stored. Where the browser allows it, it still survives reloads of this page. ${whatOffMeans(status?.durability)}`,
      ok: 'Switch off',
    });
    if (yes) this.#switch(false);
  }

  #switch(on: boolean): void {
    const { session, attempt } = this.#options;
    attempt('storage', async () => {
      await session.run('storage', (machine) => machine.setDurable(on));
      if (!on) this.#showStopped();
    });
  }

  #showStopped(): void {
    const { session, notices } = this.#options;
    notices.show(subject, {
      tone: 'info',
      title: 'Checkpoints are off',
      text: whatOffMeans(session.status?.durability),
      actions: [{ label: 'Switch on', run: () => this.#switch(true) }],
    });
  }

  #update(): void {
    const { session, notices } = this.#options;
    if (session.status?.durability?.state !== 'off') notices.remove(subject);
  }
}
