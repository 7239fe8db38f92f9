import { CprError } from '../errors.ts';

export const badState = (sentence: string, cause?: unknown) =>
  new CprError('bad-state-file', `${sentence} The guest that is running was not touched.`, {
    ...(cause !== undefined && { cause }),
  });
