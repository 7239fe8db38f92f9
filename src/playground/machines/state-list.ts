/** The named states in storage, below the machines: what `cprSave` left there. */
import type { MachineStorage } from '../../client/types.ts';
import type { StoredStateInfo } from '../../protocol/stored.ts';
import { ask } from '../ui/dialogs.ts';
import { button, create, element } from '../ui/element.ts';
import { formatAge, formatBytes } from '../ui/format.ts';

export class StateList {
  readonly #section = element('machines-states', HTMLElement);
  readonly #rows = element('machines-state-rows', HTMLUListElement);
  readonly #run: (work: () => Promise<void>) => void;

  /** @param run does something, then shows the lists anew, or tells what went wrong */
  constructor(run: (work: () => Promise<void>) => void) {
    this.#run = run;
  }

  async refresh(storage: MachineStorage): Promise<void> {
    const states = await storage.states();
    states.sort((a, b) => b.savedAtMs - a.savedAtMs);
    this.#section.hidden = states.length === 0;
    this.#rows.replaceChildren(...states.map((state) => this.#row(state, storage)));
  }

  #row({ name, sizeBytes, savedAtMs }: StoredStateInfo, storage: MachineStorage): HTMLLIElement {
    const saved = `${formatBytes(sizeBytes)} · saved ${formatAge(Date.now() - savedAtMs)} ago`;
    const remove = button('Delete…', () => void this.#askRemove(name, storage));
    remove.setAttribute('aria-label', `Delete… the state ${name}`);
    return create('li', {
      class: 'machine-row',
      children: [
        create('div', {
          children: [
            create('span', { class: 'machine-name', text: name }),
            create('p', { class: 'fine', text: saved }),
          ],
        }),
        create('div', { class: 'machine-buttons', children: [remove] }),
      ],
    });
  }

  async #askRemove(name: string, storage: MachineStorage): Promise<void> {
    const yes = await ask({
      title: `Delete the state “${name}”?`,
      text: 'A machine that was saved in it cannot be loaded from it any more.',
      ok: 'Delete',
    });
    if (yes) this.#run(() => storage.removeState(name));
  }
}
