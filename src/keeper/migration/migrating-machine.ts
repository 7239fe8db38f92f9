import type { GuestParts } from '../cpr/guest-parts.ts';
import type { MachineDurability } from '../durable/durability.ts';
import type { PageInput } from '../pages/page-input.ts';

/** The guest and its storage, for a migration to another keeper. */
export interface MigratingMachine extends GuestParts {
  readonly durability: Pick<MachineDurability, 'status' | 'pause' | 'markMoved'>;
  readonly input: Pick<PageInput, 'held'>;
}
