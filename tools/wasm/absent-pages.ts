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
import { type Expression, type FoundFunction, setBody } from './expressions.ts';
import {
  type FoundPlaces,
  findPlaces,
  OtherShape,
  type Places,
  unrepeatable,
  type V86Functions,
} from './find-places.ts';

/** Vector of a fault that waits for a page. Guests have 256. */
const waitVector = 0x1ff;

const { i32, none } = binaryen;

/**
 * Changes the module, or leaves it as it is.
 * @returns the reason if this version of v86 cannot be changed: such a runtime needs all of RAM
 */
export function waitForAbsentPages(module: binaryen.Module): string | undefined {
  try {
    new Change(module, findPlaces(module)).make();
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

  constructor(module: binaryen.Module, { functions, places }: FoundPlaces) {
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
