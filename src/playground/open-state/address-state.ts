/** Opens the state in the address of the page. */
import type { StateFileSource } from '../address/page-options.ts';
import type { NewMachineDialog } from '../new-machine/new-machine-dialog.tsx';
import type { Notices } from '../notices/notices.tsx';
import type { StateOpener } from './open-state.ts';

export interface AddressStateOptions {
  notices: Notices;
  opener: StateOpener;
  newMachine: NewMachineDialog;
}

const subject = 'open-state';

/**
 * Opens the state as this page's machine.
 * @returns false for a v86 state: its user must describe the machine first
 * @throws HoldfastError of {@link StateOpener.openAddress}
 */
export async function openAddressState(
  source: StateFileSource,
  { notices, opener, newMachine }: AddressStateOptions,
): Promise<boolean> {
  notices.remove(subject);
  const v86State = await opener.openAddress(source);
  if (!v86State) return true;
  const describe = () => {
    newMachine.open({ v86State });
    notices.show(subject, {
      tone: 'info',
      title: 'This address opens a state that v86 saved',
      text: 'Describe a machine like the one that it was saved in, and choose what is in its drives.',
      actions: [{ label: 'Describe its machine…', run: describe }],
    });
  };
  describe();
  return false;
}
