/**
 * v86 wraps every view of its memory in a Proxy, because its memory can be detached by
 * growing. Ours cannot; plain typed arrays are many times faster.
 */
import { HoldfastError } from '../../errors.ts';

const viewConstructors = {
  Uint8Array,
  Uint16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const;

/**
 * Replaces the members of `object` that are views of its emulator's memory by plain ones of `buffer`.
 * @param from the buffer that the views are of, where that is another
 */
export function useDirectViews(
  object: object,
  buffer: ArrayBufferLike,
  from: ArrayBufferLike = buffer,
): void {
  const members = object as Record<string, unknown>;
  for (const [name, member] of Object.entries(members)) {
    const view = member as Uint8Array | null;
    if (typeof view !== 'object' || (view?.buffer !== from && view?.buffer !== buffer)) continue;
    // The object that stands for the memory has a buffer too, but is no view.
    if (typeof view.byteOffset === 'number') members[name] = directView(buffer, view);
  }
}

function directView(buffer: ArrayBufferLike, view: Uint8Array): object {
  // Through v86's Proxy a constructor is a bound function: "bound Int32Array".
  const name = view.constructor.name.replace('bound ', '') as keyof typeof viewConstructors;
  const View = viewConstructors[name];
  if (!View)
    throw new HoldfastError(
      'runtime-incompatible',
      `v86 has a view of a kind Holdfast does not know: ${name}.`,
    );
  return new View(buffer as ArrayBuffer, view.byteOffset, view.length);
}
