/** The off switch for checkpoints, in the menu of the machine, and what it means. */

import { whatOffMeans } from '../notices/durability-text.ts';
import type { Notices } from '../notices/notices.ts';
import type { Operation } from '../operation.ts';
import type { Session } from '../session.ts';
import { ask } from '../ui/dialogs.ts';
import type { Menu } from '../ui/menu.ts';

const subject = 'checkpoints-off';

interface CheckpointSwitchOptions {
  session: Session;
  menu: Menu;
  notices: Notices;
  /** Failures are told to the person in front. */
  attempt(operation: Operation, work: () => Promise<unknown>): void;
}

export class CheckpointSwitch {
  readonly #options: CheckpointSwitchOptions;
  readonly #item: HTMLButtonElement;

  constructor(options: CheckpointSwitchOptions) {
    this.#options = options;
    const { session, menu } = options;
    this.#item = menu.add('', () => void (this.#isOn ? this.#askOff() : this.#switch(true)));
    session.onChange(() => this.#show());
    this.#show();
  }

  get #isOn(): boolean {
    return this.#options.session.status?.config.durable === true;
  }

  async #askOff(): Promise<void> {
    const { status } = this.#options.session;
    const yes = await ask({
      title: 'Switch checkpoints off?',
      text: `The guest runs on, also across reloads of this page where it can, but nothing of it is stored from now on. ${whatOffMeans(status?.durability)}`,
      ok: 'Switch off',
    });
    if (yes) this.#switch(false);
  }

  #switch(on: boolean): void {
    const { session, attempt } = this.#options;
    attempt('storage', async () => {
      await session.run('storage', (machine) => machine.setDurable(on));
      if (!on) this.#say();
    });
  }

  #say(): void {
    const { session, notices } = this.#options;
    notices.show(subject, {
      tone: 'info',
      title: 'Checkpoints are off',
      text: whatOffMeans(session.status?.durability),
      actions: [{ label: 'Switch on', run: () => this.#switch(true) }],
    });
  }

  #show(): void {
    const { session, notices } = this.#options;
    const { machine, status, busy, isWatching } = session;
    const isOff = status?.durability?.state === 'off';
    if (!isOff) notices.remove(subject);
    this.#item.textContent = this.#isOn ? 'Switch checkpoints off…' : 'Switch checkpoints on';
    this.#item.title = 'Whether this browser stores the guest while it runs';
    const canStore = status?.durability !== undefined && !status.destroyed;
    this.#item.disabled = busy !== null || machine === null || isWatching || !canStore;
  }
}
