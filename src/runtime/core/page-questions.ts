/** The questions of a v86.wasm that tools/wasm/absent-pages.ts has changed, while pages are absent. */
export interface PageQuestions {
  /**
   * Returns true if an access must not happen now. The guest then repeats its instruction.
   * @param linear unsigned address
   * @param isReal false if v86 only looks, such as for the JIT: the answer has no effects
   */
  pageIsAbsent(linear: number, isReal: boolean): boolean;
  /** Returns true if an interrupt could not be delivered, should one be pending. */
  irqMustWait(): boolean;
  /** Returns true if a move of a register to a control register must not happen now. */
  controlRegisterMustWait(register: number, control: number): boolean;
  /** Brings what the CPU reads unasked when it switches to a task. */
  bringTask(selector: number): void;
}

/** The imports of v86.wasm. */
export function pageQuestionImports(asked: () => PageQuestions | undefined) {
  return {
    page_is_absent: (linear: number, isReal: number) =>
      Number(asked()?.pageIsAbsent(linear >>> 0, isReal !== 0) ?? false),
    irq_must_wait: () => Number(asked()?.irqMustWait() ?? false),
    cr_must_wait: (register: number, control: number) =>
      Number(asked()?.controlRegisterMustWait(register, control) ?? false),
    bring_task: (selector: number) => asked()?.bringTask(selector),
  };
}
