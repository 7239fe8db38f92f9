/**
 * Makes v86 record which pages of guest memory may have been written.
 *
 * The CPU writes guest memory through its TLB, in Rust as in the code that the JIT makes. An entry lets
 * writes pass only if `do_page_walk` made it for a write (without `TLB_READONLY`). So the page is
 * recorded whenever such an entry is stored. That catches every write, if the TLB is cleared together
 * with the records.
 *
 * Other writes call `write8`, `write16` or `write32`: the accessed and dirty bits of page tables, and
 * devices, which are JavaScript. `src/runtime/core/write-tracking.ts` covers the devices' other writes.
 *
 * The records are bytes of a map, at the address in the exported global `write_map`. The map has a byte
 * for each guest-physical page of four GiB. So no bounds checks are needed. `ram_base` is the start of
 * guest memory.
 */
import binaryen from 'binaryen';
import {
  type Expression,
  type FoundFunction,
  functionsOf,
  type Info,
  infoOf,
  setBody,
  walk,
} from './expressions.ts';

/** Bits of a TLB entry, v86's cpu.rs. */
export const tlb = { readonly: 2, inMappedRange: 8 } as const;

/** Missing in Binaryen's own types. */
export const { Store } = binaryen as unknown as {
  Store: { setValue(store: Expression, value: Expression): void };
};

const isZero = (info: Info) => info.id === binaryen.ConstId && info.value === 0;
const isLocal = (info: Info) => info.id === binaryen.LocalGetId;

/** Finds the function that makes TLB entries. @returns the reason if there is not one */
export function findPageWalk(module: binaryen.Module): FoundFunction | string {
  const found = [...functionsOf(module)].filter(({ name }) => /\d+do_page_walk/.test(name));
  const [pageWalk] = found;
  return pageWalk && found.length === 1 ? pageWalk : `it has ${found.length} do_page_walk, not one`;
}

/** Finds `tlb_data[page] = entry`, the one store of a new entry. */
function findInstall(pageWalk: Expression): { store: Expression; info: Info } | undefined {
  const stores = [...walk(pageWalk)]
    .filter(([, info]) => info.id === binaryen.StoreId && info.bytes === 4)
    .map(([store, info]) => ({ store, info, value: infoOf(info.value as Expression) }));
  const cleared = new Set(
    stores.filter(({ value }) => isZero(value)).map(({ info }) => info.offset),
  );
  const installs = stores.filter(({ info, value }) => {
    const ptr = infoOf(info.ptr as Expression);
    return (
      isLocal(value) &&
      cleared.has(info.offset) &&
      ptr.id === binaryen.BinaryId &&
      ptr.op === binaryen.ShlInt32
    );
  });
  return installs.length === 1 ? installs[0] : undefined;
}

/**
 * Changes the module, or leaves it as it is.
 * @returns the reason if this version of v86 cannot be changed: such a runtime works, but does not
 * track writes.
 */
export function trackWrites(module: binaryen.Module): string | undefined {
  const functions = [...functionsOf(module)];
  const pageWalk = findPageWalk(module);
  if (typeof pageWalk === 'string') return pageWalk;
  const install = findInstall(pageWalk.body);
  if (!install) return 'do_page_walk stores TLB entries in another way';
  const physicalWrites = [...walk(pageWalk.body)].filter(
    ([, { id, target }]) => id === binaryen.CallId && target === 'write8',
  );
  // A directory entry for a large page, and a directory and a table entry for a small one.
  if (physicalWrites.length !== 3)
    return `do_page_walk calls write8 ${physicalWrites.length} times, not three`;
  const writers = [
    { name: 'write8', bytes: 1 },
    { name: 'write16', bytes: 2 },
    { name: 'write32', bytes: 4 },
  ].map((writer) => ({ ...writer, found: functions.find(({ name }) => name === writer.name) }));
  if (writers.some(({ found }) => !found)) return 'it has no write8, write16 or write32';

  const { i32 } = binaryen;
  for (const name of ['write_map', 'ram_base']) {
    module.addGlobal(name, i32, true, module.i32.const(0));
    module.addGlobalExport(name, name);
  }
  // Where the TLB is: src/runtime/core/recent-pages.ts reads it.
  module.addGlobal('tlb_data', i32, false, module.i32.const(Number(install.info.offset)));
  module.addGlobalExport('tlb_data', 'tlb_data');
  const local = (index: number) => module.local.get(index, i32);
  const note = (physical: Expression) =>
    module.i32.store8(
      0,
      1,
      module.i32.add(
        module.global.get('write_map', i32),
        module.i32.shr_u(physical, module.i32.const(12)),
      ),
      module.i32.const(1),
    );

  // (entry, page * 4) -> entry. An entry is (address of the page in memory) ^ page * 4096 | bits.
  const address = module.i32.xor(
    module.i32.and(local(0), module.i32.const(~0xfff)),
    module.i32.shl(local(1), module.i32.const(10)),
  );
  const forWriting = module.i32.eqz(
    module.i32.and(local(0), module.i32.const(tlb.readonly | tlb.inMappedRange)),
  );
  module.addFunction(
    'note_tlb_entry',
    binaryen.createType([i32, i32]),
    i32,
    [],
    module.block(
      null,
      [
        module.if(forWriting, note(module.i32.sub(address, module.global.get('ram_base', i32)))),
        local(0),
      ],
      i32,
    ),
  );
  const { store, info } = install;
  const entry = info.value as Expression;
  const pageOffset = module.copyExpression(info.ptr as Expression);
  Store.setValue(store, module.call('note_tlb_entry', [entry, pageOffset], i32));

  for (const { found, bytes } of writers) {
    if (!found) continue;
    const last = module.i32.add(local(0), module.i32.const(bytes - 1));
    const notes = bytes === 1 ? [note(local(0))] : [note(local(0)), note(last)];
    setBody(found.pointer, module.block(null, [...notes, found.body], binaryen.auto));
  }
  return undefined;
}
