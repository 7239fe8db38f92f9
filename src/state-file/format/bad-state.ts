import { HoldfastError } from '../../errors.ts';

export const badState = (sentence: string, cause?: unknown) =>
  new HoldfastError('bad-state-file', `${sentence} The guest that is running was not touched.`, {
    ...(cause !== undefined && { cause }),
  });
