/**
 * Replaces v86's views of its memory. v86 wraps every view in a Proxy, because growth can detach
 * its memory. Ours cannot grow, and plain typed arrays are many times faster.
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
 * Replaces the members of `object` that are views of its runtime's memory with plain views of
 * `buffer`.
 * @param from the buffer of the present views, if it is another one
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
    // The object that represents the memory also has a buffer but is no view.
    if (typeof view.byteOffset === 'number') members[name] = directView(buffer, view);
  }
}

function directView(buffer: ArrayBufferLike, view: Uint8Array): object {
  // Through v86's Proxy the name of a constructor has a prefix: "bound Int32Array".
  const name = view.constructor.name.replace('bound ', '') as keyof typeof viewConstructors;
  const View = viewConstructors[name];
  if (!View)
    throw new HoldfastError(
      'runtime-incompatible',
      `v86 has a view of a kind Holdfast does not know: ${name}.`,
    );
  return new View(buffer as ArrayBuffer, view.byteOffset, view.length);
}
