/**
 * Lets the guest reach the linear frame buffer as it reaches RAM.
 *
 * v86 calls a function for each access to the frame buffer, to know which parts of the
 * picture changed: the TLB entry of such a page is marked as mapped. Here the entry leads to video
 * memory itself. An entry that lets writes pass marks its page as changed when it is made. After each
 * picture the runtime makes these entries read-only again (`src/runtime/core/frame-buffer.ts`). So a
 * picture costs a page-table walk for each changed page, instead of a call for each access.
 *
 * The module computes a physical address from an entry, as the distance from the start of RAM. It uses
 * it to reach memory if it is below the size of RAM. Video memory is at such a distance too, its
 * window, behind RAM. So two things change: the entries, and the limit for addresses that come from
 * them. Real physical addresses between RAM and the window's end lead nowhere. They are redirected, so
 * that a guest finds nothing there, as in stock v86.
 *
 * Devices use physical addresses without the TLB. They call the exports, which keep the limit.
 */
import binaryen from 'binaryen';
import { type Expression, functionsOf, infoOf, walk } from './expressions.ts';
import { findPageWalk, Store, tlb } from './track-writes.ts';

/** Physical address of the frame buffer: `VGA_LFB_ADDRESS` of v86. */
const frameBufferAddress = 0xe0000000;
/** Start of 256 MiB of physical addresses without a device. */
const holeAddress = 0xd0000000;
/** Bit of a TLB entry: writes take the slow way, because code of the page is compiled. */
const hasCode = 32;

/** Page numbers in the list of entries that let writes pass, a power of two. */
const listEntries = 16_384;

/** Exports that devices call with physical addresses. v86 itself calls them with addresses from entries. */
const physicalReads = ['read8', 'read16', 'read32s'] as const;
const physicalWrites = ['write8', 'write16', 'write32'] as const;

const { i32 } = binaryen;

/** Members that are missing in Binaryen's own types. */
const { Binary, LocalSet } = binaryen as unknown as {
  Binary: { setRight(binary: Expression, right: Expression): void };
  LocalSet: { setValue(set: Expression, value: Expression): void };
};

/** Matches `(i32.load offset=N (i32.const 0))`. @returns N */
function staticLoad(expression: Expression): number | undefined {
  const info = infoOf(expression);
  if (info.id !== binaryen.LoadId || info.bytes !== 4) return undefined;
  const ptr = infoOf(info.ptr as Expression);
  return ptr.id === binaryen.ConstId && ptr.value === 0 ? Number(info.offset) : undefined;
}

/** Addresses of statics, as two small functions of v86 show them. */
function findStatics(bodyOf: (name: string) => Expression) {
  const sizes = [...walk(bodyOf('in_mapped_range'))].flatMap(([each]) => staticLoad(each) ?? []);
  const bitmaps = [...walk(bodyOf('svga_mark_dirty'))].flatMap(([, { id, dest }]) =>
    id === binaryen.MemoryFillId ? (staticLoad(dest as Expression) ?? []) : [],
  );
  const [ramBytesAt, bitmapAt] = [sizes[0], bitmaps[0]];
  if (sizes.length !== 1 || bitmaps.length !== 1) return undefined;
  return ramBytesAt && bitmapAt ? { ramBytesAt, bitmapAt } : undefined;
}

/** Finds `tlb_data[page] = note_tlb_entry(entry, page * 4)`, as track-writes.ts leaves it. */
function findNotedInstall(pageWalk: Expression) {
  for (const [store, info] of walk(pageWalk)) {
    if (info.id !== binaryen.StoreId) continue;
    const value = info.value as Expression;
    const { target, operands } = infoOf(value);
    if (target !== 'note_tlb_entry') continue;
    const [entry = 0, pageOffset = 0] = operands as Expression[];
    return { store, value, pageOffset, entryLocal: infoOf(entry).index as number };
  }
  return undefined;
}

/** Replaces the limit of RAM. @returns the number of places */
function replaceLimit(module: binaryen.Module, body: Expression, ramBytesAt: number): number {
  let count = 0;
  for (const [expression, info] of walk(body)) {
    const isBinary = info.id === binaryen.BinaryId;
    if (!isBinary && info.id !== binaryen.LocalSetId) continue;
    const value = (isBinary ? info.right : info.value) as Expression;
    if (staticLoad(value) !== ramBytesAt) continue;
    const limit = module.global.get('direct_end', i32);
    if (isBinary) Binary.setRight(expression, limit);
    else LocalSet.setValue(expression, limit);
    count++;
  }
  return count;
}

/**
 * Changes a module that tracks writes, or leaves it as it is.
 * @returns the reason if this version of v86 cannot be changed
 */
export function directFrameBuffer(module: binaryen.Module): string | undefined {
  const functions = [...functionsOf(module)];
  const find = (name: string) => functions.find((each) => each.name === name);
  const statics = findStatics((name) => find(name)?.body ?? 0);
  if (!statics) return 'it has no size of RAM, or no bitmap of changed pages';
  const { ramBytesAt, bitmapAt } = statics;
  const pageWalk = findPageWalk(module);
  if (typeof pageWalk === 'string') return pageWalk;
  const install = findNotedInstall(pageWalk.body);
  if (!install) return 'its writes are not tracked';
  if ([...physicalReads, ...physicalWrites].some((name) => !find(name)))
    return 'it has no read8, read16, read32s, write8, write16 or write32';

  // See FrameBufferGlobals in src/runtime/core/frame-buffer.ts.
  for (const name of ['video_window', 'video_bytes', 'direct_end', 'video_list', 'video_count']) {
    module.addGlobal(name, i32, true, module.i32.const(0));
    module.addGlobalExport(name, name);
  }
  const exempt = new Set(['in_mapped_range', pageWalk.name]);
  let limits = 0;
  for (const { name, body } of functions)
    if (!exempt.has(name)) limits += replaceLimit(module, body, ramBytesAt);
  if (limits < 100) return `it compares with the size of RAM in ${limits} places only`;

  addDirectEntry(module, ramBytesAt, bitmapAt);
  // do_page_walk also returns the entry that it stores.
  const { store, value, pageOffset, entryLocal } = install;
  const direct = module.call('direct_entry', [value, module.copyExpression(pageOffset)], i32);
  Store.setValue(store, module.local.tee(entryLocal, direct, i32));
  for (const name of physicalReads) guard(module, name, ramBytesAt, true);
  for (const name of physicalWrites) guard(module, name, ramBytesAt, false);
  return undefined;
}

/** Adds `direct_entry(entry, page * 4) -> entry`. An entry is (address of the page) ^ page * 4096 | bits. */
function addDirectEntry(module: binaryen.Module, ramBytesAt: number, bitmapAt: number): void {
  const { i32: op, local, global } = module;
  const [entry, pageOffset, high, offset] = [0, 1, 2, 3].map(
    (index) => () => local.get(index, i32),
  );
  const get = (name: string) => global.get(name, i32);
  const number = (value: number) => op.const(value | 0);
  const linear = () => op.shl(pageOffset(), number(10));
  /** The entry of another physical page. */
  const leadingTo = (physical: Expression, bits: number) =>
    op.or(op.xor(op.add(physical, get('ram_base')), linear()), op.and(entry(), number(bits)));
  const bitmapByte = () => op.add(op.load(bitmapAt, 4, number(0)), op.shr_u(offset(), number(15)));
  const markChanged = op.store8(
    0,
    1,
    bitmapByte(),
    op.or(
      op.load8_u(0, 1, bitmapByte()),
      op.shl(number(1), op.and(op.shr_u(offset(), number(12)), number(7))),
    ),
  );
  // The list is a ring of 16,384 page numbers: a longer one than the TLB has entries.
  const listed = op.store(
    0,
    4,
    op.add(
      get('video_list'),
      op.shl(op.and(get('video_count'), number(listEntries - 1)), number(2)),
    ),
    op.shr_u(pageOffset(), number(2)),
  );
  module.addFunction(
    'direct_entry',
    binaryen.createType([i32, i32]),
    i32,
    [i32, i32],
    module.block(
      null,
      [
        module.if(
          op.or(op.eqz(get('video_bytes')), op.eqz(op.and(entry(), number(tlb.inMappedRange)))),
          module.return(entry()),
        ),
        local.set(2, op.sub(op.xor(op.and(entry(), number(~0xfff)), linear()), get('ram_base'))),
        local.set(3, op.sub(high(), number(frameBufferAddress))),
        module.if(
          op.lt_u(offset(), get('video_bytes')),
          module.block(null, [
            module.if(
              op.eqz(op.and(entry(), number(tlb.readonly))),
              module.block(null, [
                markChanged,
                listed,
                global.set('video_count', op.add(get('video_count'), number(1))),
              ]),
            ),
            module.return(
              leadingTo(
                op.add(offset(), get('video_window')),
                0xfff & ~(tlb.inMappedRange | hasCode),
              ),
            ),
          ]),
        ),
        module.if(
          op.and(
            op.ge_u(high(), op.load(ramBytesAt, 4, number(0))),
            op.lt_u(high(), get('direct_end')),
          ),
          module.return(
            leadingTo(op.add(number(holeAddress), op.and(high(), number(0x0ffff000))), 0xfff),
          ),
        ),
        entry(),
      ],
      i32,
    ),
  );
}

/** Exports an access for devices instead: it finds nothing behind RAM. */
function guard(module: binaryen.Module, name: string, ramBytesAt: number, reads: boolean): void {
  const { i32: op, local } = module;
  const isBehind = op.and(
    op.ge_u(local.get(0, i32), op.load(ramBytesAt, 4, op.const(0))),
    op.lt_u(local.get(0, i32), module.global.get('direct_end', i32)),
  );
  const guarded = `device_${name}`;
  if (reads) {
    module.addFunction(
      guarded,
      binaryen.createType([i32]),
      i32,
      [],
      module.if(isBehind, op.const(-1), module.call(name, [local.get(0, i32)], i32)),
    );
  } else {
    module.addFunction(
      guarded,
      binaryen.createType([i32, i32]),
      binaryen.none,
      [],
      module.if(
        op.eqz(isBehind),
        module.call(name, [local.get(0, i32), local.get(1, i32)], binaryen.none),
      ),
    );
  }
  module.removeExport(name);
  module.addFunctionExport(guarded, name);
}
