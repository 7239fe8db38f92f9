/**
 * Lets v86 run a guest of which pages of RAM have not arrived. See "Lazy RAM" in docs/v86.md.
 *
 * The CPU reaches RAM through its TLB, and only `do_page_walk` makes entries. So it gets a question in
 * front of its work: is a page on the way absent? If so, the instruction ends as by a page fault that
 * is never delivered: the guest sees nothing of it, and later runs the same instruction again. In code
 * of the JIT, the fault has a vector that no guest can have, which `call_interrupt_vector` ignores.
 *
 * All of this is behind the exported global `absent_pages`. While it is 0, it costs one read of the
 * global for each TLB miss. `src/runtime/lazy` answers the questions.
 *
 * v86 is recognised by the shape of its functions. A version with another shape is left as it is.
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

/** Vector of a fault that waits for a page. Guests have 256. */
const waitVector = 0x1ff;
const pageFaultVector = 14;
/** Code of the interpreter that ends a block. More of it than this is in its one large function. */
const fewestBlockEnds = 50;

const { i32, none } = binaryen;

/** v86 changed: the message says where. */
class OtherShape extends Error {}

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
interface Places {
  instructionPointer: number;
  previousIp: number;
  /** `jit_fault`: its vector, its error code, and whether it has one. */
  fault: { vector: number; code: number; hasCode: number };
  /** Set by instructions after which the interpreter must look around. */
  blockBoundary: number;
  /** The four page directory pointers of PAE. */
  directoryPointers: number;
}

class V86Functions {
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
const unrepeatable = [
  { name: 'far_jump', parameters: 4 },
  { name: 'far_return', parameters: 4 },
  { name: 'do_task_switch', parameters: 4 },
  // ENTER with a nesting level.
  { name: 'instr16_C8', parameters: 2 },
  { name: 'instr32_C8', parameters: 2 },
  { name: 'translate_address_system_read_js', parameters: 1, results: 1 },
] as const;

interface Found {
  functions: V86Functions;
  places: Places;
}

/** @throws {OtherShape} */
function find(module: binaryen.Module): Found {
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

/**
 * Changes the module, or leaves it as it is.
 * @returns the reason if this version of v86 cannot be changed: such a runtime needs all of RAM
 */
export function waitForAbsentPages(module: binaryen.Module): string | undefined {
  try {
    new Change(module, find(module)).make();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof OtherShape) return thrown.message;
    throw thrown;
  }
}

class Change {
  readonly #module: binaryen.Module;
  readonly #functions: V86Functions;
  readonly #places: Places;

  constructor(module: binaryen.Module, { functions, places }: Found) {
    this.#module = module;
    this.#functions = functions;
    this.#places = places;
  }

  make(): void {
    const module = this.#module;
    const pair = binaryen.createType([i32, i32]);
    module.addFunctionImport('page_is_absent', 'env', 'page_is_absent', pair, i32);
    module.addFunctionImport('irq_must_wait', 'env', 'irq_must_wait', none, i32);
    module.addFunctionImport('cr_must_wait', 'env', 'cr_must_wait', pair, i32);
    module.addFunctionImport('bring_task', 'env', 'bring_task', i32, none);
    // `unrepeatable` and `delivering`: functions of that kind that are running.
    for (const name of ['absent_pages', 'unrepeatable', 'delivering', 'irq_taken'])
      module.addGlobal(name, i32, true, module.i32.const(0));
    for (const name of ['absent_pages', 'unrepeatable', 'delivering'])
      module.addGlobalExport(name, name);
    const { directoryPointers } = this.#places;
    module.addGlobal('pdpte_data', i32, false, module.i32.const(directoryPointers));
    module.addGlobalExport('pdpte_data', 'pdpte_data');

    this.#askBeforePageWalks();
    this.#askBeforeControlRegisters();
    this.#keepIrqs();
    for (const { name } of unrepeatable) if (name !== 'do_task_switch') this.#bringDuring(name);
    this.#bringDuring('do_task_switch', [module.call('bring_task', [this.#local(0)], none)]);
    this.#deliver();
    this.#endJit();
  }

  #local(index: number): Expression {
    return this.#module.local.get(index, i32);
  }

  #global(name: string): Expression {
    return this.#module.global.get(name, i32);
  }

  #store(address: number, value: Expression): Expression {
    return this.#module.i32.store(address, 4, this.#module.i32.const(0), value);
  }

  #load(address: number): Expression {
    return this.#module.i32.load(address, 4, this.#module.i32.const(0));
  }

  /** While pages are absent. */
  #ifAbsent(...expressions: Expression[]): Expression {
    return this.#module.if(this.#global('absent_pages'), this.#module.block(null, expressions));
  }

  #before({ pointer, body }: FoundFunction, ...expressions: Expression[]): void {
    setBody(pointer, this.#module.block(null, [...expressions, body], binaryen.auto));
  }

  /** Moves the body of a function into another one. @returns a call of that one, with the same arguments */
  #moved({ pointer, name, body }: FoundFunction): Expression {
    const { params, results, vars } = binaryen.getFunctionInfo(pointer);
    const moved = `${name} itself`;
    this.#module.addFunction(moved, params, results, vars, body);
    const count = binaryen.expandType(params).length;
    const operands = Array.from({ length: count }, (_, index) => this.#local(index));
    return this.#module.call(moved, operands, results);
  }

  /** Ends an instruction as by a page fault, so that it is run again. */
  #restart(): Expression[] {
    const { instructionPointer, previousIp, blockBoundary } = this.#places;
    const { i32: ops } = this.#module;
    return [
      this.#store(instructionPointer, this.#load(previousIp)),
      // The interpreter would try again at once, 100,000 times.
      ops.store8(blockBoundary, 1, ops.const(0), ops.const(1)),
    ];
  }

  /** Parameters: address, for writing, user, in code of the JIT, with side effects. */
  #askBeforePageWalks(): void {
    const module = this.#module;
    const { fault } = this.#places;
    const waitInJit = module.block(null, [
      this.#store(fault.vector, module.i32.const(waitVector)),
      this.#store(fault.code, module.i32.const(0)),
      this.#store(fault.hasCode, module.i32.const(1)),
    ]);
    const wait = module.if(this.#local(3), waitInJit, module.block(null, this.#restart()));
    const question = module.call('page_is_absent', [this.#local(0), this.#local(4)], i32);
    const answer = [module.if(this.#local(4), wait), module.return(module.i32.const(0))];
    this.#before(
      this.#functions.named('do_page_walk', 5, 1),
      this.#ifAbsent(module.if(question, module.block(null, answer))),
    );
  }

  /** With PAE, a move to CR0, CR3 or CR4 reads four page directory pointers from RAM. */
  #askBeforeControlRegisters(): void {
    const module = this.#module;
    const question = module.call('cr_must_wait', [this.#local(0), this.#local(1)], i32);
    const answer = module.block(null, [...this.#restart(), module.return()]);
    this.#before(
      this.#functions.named('instr_0F22', 2),
      this.#ifAbsent(module.if(question, answer)),
    );
  }

  /**
   * An interrupt that was taken from its controller must be delivered. So it stays there while
   * something that its delivery needs is absent.
   */
  #keepIrqs(): void {
    const module = this.#module;
    for (const name of ['pic_acknowledge_irq', 'acknowledge_irq']) {
      const acknowledge = this.#functions.named(name, 1);
      const none = module.block(null, [
        module.i32.store8(0, 1, this.#local(0), module.i32.const(0)),
        module.return(),
      ]);
      const taken = module.i32.load8_u(0, 1, this.#local(0));
      const body = module.block(null, [
        this.#ifAbsent(module.if(module.call('irq_must_wait', [], i32), none)),
        this.#moved(acknowledge),
        this.#ifAbsent(module.if(taken, module.global.set('irq_taken', module.i32.const(1)))),
      ]);
      setBody(acknowledge.pointer, body);
    }
  }

  #count(name: string, by: 1 | -1): Expression {
    const { i32: ops, global } = this.#module;
    return global.set(name, ops.add(this.#global(name), ops.const(by)));
  }

  #bringDuring(name: (typeof unrepeatable)[number]['name'], first: Expression[] = []): void {
    const { parameters, ...rest } = unrepeatable.find((each) => each.name === name) ?? {
      parameters: 0,
    };
    const hasResult = 'results' in rest;
    const found = this.#functions.named(name, parameters, hasResult ? 1 : 0);
    const module = this.#module;
    const before = [
      ...(first.length > 0 ? [this.#ifAbsent(...first)] : []),
      this.#count('unrepeatable', 1),
    ];
    const call = this.#moved(found);
    const after = this.#count('unrepeatable', -1);
    if (!hasResult) {
      setBody(found.pointer, module.block(null, [...before, call, after]));
      return;
    }
    // Its parameter is not needed any more.
    const result = module.local.set(0, call);
    setBody(found.pointer, module.block(null, [...before, result, after, this.#local(0)], i32));
  }

  /** Parameters: vector, by software, has an error code, error code. */
  #deliver(): void {
    const module = this.#module;
    const vector = this.#functions.named('call_interrupt_vector', 4);
    const call = this.#moved(vector);
    const again = () => module.copyExpression(call);
    const taken = module.block(null, [
      module.global.set('irq_taken', module.i32.const(0)),
      this.#count('unrepeatable', 1),
      again(),
      this.#count('unrepeatable', -1),
      module.return(),
    ]);
    const body = module.block(null, [
      module.if(module.i32.eq(this.#local(0), module.i32.const(waitVector)), module.return()),
      module.if(this.#global('irq_taken'), taken),
      this.#count('delivering', 1),
      call,
      this.#count('delivering', -1),
    ]);
    setBody(vector.pointer, body);
  }

  /**
   * Code of the JIT does not maintain `previous_ip`, and leaves `instruction_pointer` at the
   * instruction that faults. The delivery of the fault may have to wait for a page.
   */
  #endJit(): void {
    const { instructionPointer, previousIp } = this.#places;
    this.#before(
      this.#functions.named('exit_jit', 0),
      this.#ifAbsent(this.#store(previousIp, this.#load(instructionPointer))),
    );
  }
}
