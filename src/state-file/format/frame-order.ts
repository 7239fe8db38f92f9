/** The order of the frames in a state file of format 2. */
import { badState } from './bad-state.ts';
import { type FrameKind, frameKind } from './frame.ts';

const ranks: Partial<Record<FrameKind, number>> = {
  [frameKind.contents]: 0,
  [frameKind.pages]: 1,
  [frameKind.blobs]: 1,
  [frameKind.hotPages]: 2,
  [frameKind.cut]: 3,
  [frameKind.index]: 4,
  [frameKind.end]: 5,
};
const cutRank = 3;

/** Checks kinds of frames one after the other. */
export class FrameOrder {
  #last = 0;

  /** @throws HoldfastError `bad-state-file` */
  next(kind: FrameKind): void {
    const rank = ranks[kind] ?? -1;
    const before = this.#last;
    this.#last = rank;
    // There is exactly one frame of each of the last three kinds.
    if (rank > cutRank ? rank !== before + 1 : rank < before || before === cutRank)
      throw badState(
        before < cutRank && rank > cutRank
          ? 'This state file holds no device state.'
          : 'The parts of this state file are in no order.',
      );
  }
}
