/**
 * Finds the parts of v86 that absent-pages.ts changes, by the shape of their functions. The addresses of
 * the CPU's state are read out of v86's own code.
 */
import binaryen from 'binaryen';
import {
  type Expression,
  type FoundFunction,
  functionsOf,
  type Info,
  infoOf,
  walk,
} from './expressions.ts';

const pageFaultVector = 14;
/** Code of the interpreter that ends a block. More of it than this is in its one large function. */
const fewestBlockEnds = 50;

/** v86 changed: the message says where. */
export class OtherShape extends Error {}

function demand<T>(value: T | undefined | false, sentence: string): T {
  if (value === undefined || value === false) throw new OtherShape(sentence);
  return value;
}

const isConst = (info: Info, value: number) => info.id === binaryen.ConstId && info.value === value;

/** A store to, or a load from, a static address. */
interface StaticAccess {
  address: number;
  bytes: number;
  value: Info | undefined;
}

function* staticAccesses(body: Expression, id: number): Generator<StaticAccess> {
  for (const [, info] of walk(body)) {
    if (info.id !== id || !isConst(infoOf(info.ptr as Expression), 0)) continue;
    const value = id === binaryen.StoreId ? infoOf(info.value as Expression) : undefined;
    yield { address: Number(info.offset), bytes: Number(info.bytes), value };
  }
}

const isStaticLoad = (info: Info) =>
  info.id === binaryen.LoadId && isConst(infoOf(info.ptr as Expression), 0);

function only<T>(values: T[], sentence: string): T {
  const [value] = values;
  return demand(values.length === 1 && value, sentence);
}

/** Static addresses of the CPU's state. */
export interface Places {
  instructionPointer: number;
  previousIp: number;
  /** `jit_fault`: its vector, its error code, and whether it has one. */
  fault: { vector: number; code: number; hasCode: number };
  /** Set by instructions after which the interpreter must look around. */
  blockBoundary: number;
  /** The four page directory pointers of PAE. */
  directoryPointers: number;
}

export class V86Functions {
  readonly #functions: FoundFunction[];

  constructor(module: binaryen.Module) {
    this.#functions = [...functionsOf(module)];
  }

  /** The function with this name, mangled by Rust or exported. */
  named(name: string, parameters: number, results = 0): FoundFunction {
    const mangled = new RegExp(`^(${name}|_(R|ZN).*\\d${name}(17h[0-9a-f]{16}E)?)$`);
    const found = only(
      this.#functions.filter((candidate) => mangled.test(candidate.name)),
      `it does not have one ${name}`,
    );
    const info = binaryen.getFunctionInfo(found.pointer);
    const count = (type: number) => binaryen.expandType(type).length;
    demand(
      count(info.params) === parameters && count(info.results) === results,
      `${name} has other parameters`,
    );
    return found;
  }
}

/** Reads addresses out of v86's handling of a page fault. */
function findFault(
  functions: V86Functions,
): Pick<Places, 'instructionPointer' | 'previousIp' | 'fault'> {
  const { body } = functions.named('trigger_pagefault', 4);
  const stores = [...staticAccesses(body, binaryen.StoreId)];
  const back = only(
    stores.filter(({ value }) => value && isStaticLoad(value)),
    'a page fault does not set the instruction pointer back',
  );
  const setTo = (value: number) =>
    only(
      stores.filter((store) => store.value && isConst(store.value, value)),
      `a page fault does not store ${value} once`,
    ).address;
  const vector = setTo(pageFaultVector);
  const hasCode = setTo(1);
  const code = only(
    // The error code is computed; CR2 is stored first.
    stores.filter(({ value }) => value?.id === binaryen.LocalGetId).slice(1),
    'a page fault does not store its error code',
  ).address;

  const end = functions.named('exit_jit', 0).body;
  const calls = [...walk(end)].filter(([, { id }]) => id === binaryen.CallId);
  const [, call] = only(calls, 'the end of code of the JIT does not deliver a fault');
  const loaded = (call.operands as Expression[]).map((operand) => Number(infoOf(operand).offset));
  demand(
    call.target === functions.named('call_interrupt_vector', 4).name &&
      loaded[0] === vector &&
      loaded[3] === code &&
      [...staticAccesses(end, binaryen.LoadId)].some(({ address }) => address === hasCode),
    'the end of code of the JIT delivers another fault',
  );
  return {
    instructionPointer: back.address,
    previousIp: Number(back.value?.offset),
    fault: { vector, code, hasCode },
  };
}

function findBlockBoundary(functions: V86Functions): number {
  const flags = (body: Expression, value: number) =>
    [...staticAccesses(body, binaryen.StoreId)]
      .filter((store) => store.bytes === 1 && store.value && isConst(store.value, value))
      .map(({ address }) => address);
  const set = flags(functions.named('interpreter3run', 1).body, 1);
  const loop = functions.named('main_loop', 0, 1).body;
  const read = new Set([...staticAccesses(loop, binaryen.LoadId)].map(({ address }) => address));
  const candidates = new Set(flags(loop, 0));
  return only(
    [...candidates].filter(
      (address) =>
        read.has(address) && set.filter((other) => other === address).length > fewestBlockEnds,
    ),
    'the interpreter ends its blocks in another way',
  );
}

/** Finds `reg_pdpte[address >> 30]`. */
function findDirectoryPointers(pageWalk: Expression): number {
  const isIndex = (info: Info) => {
    if (info.id !== binaryen.BinaryId || info.op !== binaryen.AndInt32) return false;
    const shift = infoOf(info.left as Expression);
    return (
      isConst(infoOf(info.right as Expression), 24) &&
      shift.id === binaryen.BinaryId &&
      shift.op === binaryen.ShrUInt32 &&
      isConst(infoOf(shift.right as Expression), 27)
    );
  };
  const loads = [...walk(pageWalk)].filter(
    ([, info]) => info.id === binaryen.LoadId && isIndex(infoOf(info.ptr as Expression)),
  );
  const [, load] = only(loads, 'do_page_walk reads page directory pointers in another way');
  return Number(load.offset);
}

/** Functions of which a part cannot be run again: they get absent pages at once. */
export const unrepeatable = [
  { name: 'far_jump', parameters: 4 },
  { name: 'far_return', parameters: 4 },
  { name: 'do_task_switch', parameters: 4 },
  // ENTER with a nesting level.
  { name: 'instr16_C8', parameters: 2 },
  { name: 'instr32_C8', parameters: 2 },
  { name: 'translate_address_system_read_js', parameters: 1, results: 1 },
] as const;

export interface FoundPlaces {
  functions: V86Functions;
  places: Places;
}

/** @throws {OtherShape} */
export function findPlaces(module: binaryen.Module): FoundPlaces {
  const functions = new V86Functions(module);
  const { body } = functions.named('do_page_walk', 5, 1);
  for (const name of ['pic_acknowledge_irq', 'acknowledge_irq']) {
    // An Option<u8>: a byte that says whether there is an interrupt, and its vector.
    const stores = [...walk(functions.named(name, 1).body)].filter(
      ([, info]) =>
        info.id === binaryen.StoreId &&
        info.bytes === 1 &&
        infoOf(info.ptr as Expression).id === binaryen.LocalGetId &&
        infoOf(info.ptr as Expression).index === 0,
    );
    const offsets = stores.map(([, { offset }]) => Number(offset)).sort();
    demand(String(offsets) === '0,1', `${name} returns in another way`);
  }
  functions.named('instr_0F22', 2);
  for (const { name, parameters, ...rest } of unrepeatable)
    functions.named(name, parameters, 'results' in rest ? rest.results : 0);
  return {
    functions,
    places: {
      ...findFault(functions),
      blockBoundary: findBlockBoundary(functions),
      directoryPointers: findDirectoryPointers(body),
    },
  };
}
