/** Reads the functions of a module that Binaryen has parsed. */
import binaryen from 'binaryen';

export type Expression = number;
/** Result of `binaryen.getExpressionInfo`: fields differ by kind. */
export type Info = { id: number } & Record<string, unknown>;

/** Returns the info of an expression. For a kind without fields, Binaryen knows only the id. */
export function infoOf(expression: Expression): Info {
  const id = binaryen.getExpressionId(expression);
  if (id === binaryen.NopId || id === binaryen.UnreachableId) return { id };
  return binaryen.getExpressionInfo(expression) as unknown as Info;
}

/** Missing in Binaryen's own types. */
const { Function: WasmFunction } = binaryen as unknown as {
  Function: { setBody(pointer: number, body: Expression): void };
};

export const setBody = (pointer: number, body: Expression): void =>
  WasmFunction.setBody(pointer, body);

const childFields = [
  'children',
  'body',
  'condition',
  'ifTrue',
  'ifFalse',
  'value',
  'ptr',
  'left',
  'right',
  'operands',
] as const;

/** Yields an expression and all those in it. */
export function* walk(expression: Expression): Generator<[Expression, Info]> {
  if (!expression) return;
  const info = infoOf(expression);
  yield [expression, info];
  if (info.id === binaryen.ConstId) return;
  for (const field of childFields) {
    const child = info[field];
    if (Array.isArray(child)) for (const each of child) yield* walk(each);
    else if (typeof child === 'number') yield* walk(child);
  }
}

export interface FoundFunction {
  pointer: number;
  name: string;
  body: Expression;
}

export function* functionsOf(module: binaryen.Module): Generator<FoundFunction> {
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const pointer = module.getFunctionByIndex(i);
    const { name, body } = binaryen.getFunctionInfo(pointer);
    yield { pointer, name, body };
  }
}
