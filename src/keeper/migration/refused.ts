import { HoldfastError } from '../../errors.ts';

/** The destination does not take the guest. */
export const refused = (message: string, cause?: unknown): HoldfastError =>
  new HoldfastError('migration-refused', message, { cause });
