import type { GuestParts } from '../cpr/guest-parts.ts';
import type { MachineDurability } from '../durable/durability.ts';
import type { MachineView } from '../pages/machine-view.ts';
import type { PageInput } from '../pages/page-input.ts';
import type { TerminalSizes } from '../pages/terminal-sizes.ts';

/** The guest and all around it that an operation on the whole machine has to follow up on. */
export interface OperatedMachine extends GuestParts {
  readonly view: MachineView;
  readonly durability: MachineDurability;
  readonly input: PageInput;
  readonly terminals: TerminalSizes;
  /** Pages have come or gone, or see another guest. */
  pagesChanged(): void;
}
