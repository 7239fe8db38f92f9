/** Numbers in HMP's syntax: `0x1000`, `64K`, `16*1024`, `$esp+4`. */
import { HoldfastError } from '../errors.ts';

/** Returns the value of a register by its name in lower case; undefined for an unknown one. */
export type RegisterLookup = (name: string) => number | undefined;

const suffixes: Record<string, number> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const token = /\s*(?:(0[xX][0-9a-fA-F]+|\d+)([kKmMgG]?)|\$(\w+)|([-+*/%&|^~()]))/y;

/**
 * @returns an integer that a double holds exactly, of either sign
 * @throws HoldfastError `bad-command` for text that is not an expression
 */
export function evaluate(text: string, registers: RegisterLookup = () => undefined): number {
  const value = new Parser(text, registers).parse();
  if (!Number.isSafeInteger(Number(value)))
    throw new HoldfastError('bad-command', `'${text}' is too large`);
  return Number(value);
}

/** Whether evaluating `text` needs the guest's registers. */
export function namesRegister(text: string): boolean {
  return text.includes('$');
}

/** Recursive descent with HMP's precedences: `+ -` bind least, then `& | ^`, then `* / %`. */
class Parser {
  readonly #text: string;
  readonly #registers: RegisterLookup;
  readonly #tokens: (bigint | string)[];

  constructor(text: string, registers: RegisterLookup) {
    this.#text = text;
    this.#registers = registers;
    this.#tokens = this.#split();
  }

  parse(): bigint {
    const value = this.#sum();
    if (this.#tokens.length > 0) throw this.#error(`unexpected '${this.#tokens[0]}'`);
    return value;
  }

  #split(): (bigint | string)[] {
    const tokens: (bigint | string)[] = [];
    token.lastIndex = 0;
    while (token.lastIndex < this.#text.length) {
      const at = token.lastIndex;
      const match = token.exec(this.#text);
      if (!match) throw this.#error(`invalid char '${this.#text.slice(at).trim()[0] ?? ' '}'`);
      const [, digits, suffix, register, operator] = match;
      if (digits !== undefined)
        tokens.push(BigInt(digits) * BigInt(suffixes[suffix?.toLowerCase() ?? ''] ?? 1));
      else if (register !== undefined) tokens.push(this.#register(register));
      else tokens.push(operator!);
    }
    return tokens;
  }

  #register(name: string): bigint {
    const value = this.#registers(name.toLowerCase());
    if (value === undefined) throw this.#error(`unknown register '$${name}'`);
    return BigInt(value);
  }

  #sum(): bigint {
    let value = this.#logic();
    for (;;) {
      if (this.#take('+')) value += this.#logic();
      else if (this.#take('-')) value -= this.#logic();
      else return value;
    }
  }

  #logic(): bigint {
    let value = this.#product();
    for (;;) {
      if (this.#take('&')) value &= this.#product();
      else if (this.#take('|')) value |= this.#product();
      else if (this.#take('^')) value ^= this.#product();
      else return value;
    }
  }

  #product(): bigint {
    let value = this.#unary();
    for (;;) {
      if (this.#take('*')) value *= this.#unary();
      else if (this.#take('/')) value /= this.#divisor();
      else if (this.#take('%')) value %= this.#divisor();
      else return value;
    }
  }

  #divisor(): bigint {
    const value = this.#unary();
    if (value === 0n) throw this.#error('division by zero');
    return value;
  }

  #unary(): bigint {
    if (this.#take('-')) return -this.#unary();
    if (this.#take('+')) return this.#unary();
    if (this.#take('~')) return ~this.#unary();
    if (this.#take('(')) {
      const value = this.#sum();
      if (!this.#take(')')) throw this.#error("')' expected");
      return value;
    }
    const value = this.#tokens.shift();
    if (typeof value === 'bigint') return value;
    throw this.#error(
      value === undefined ? 'unexpected end of expression' : `unexpected '${value}'`,
    );
  }

  #take(operator: string): boolean {
    if (this.#tokens[0] !== operator) return false;
    this.#tokens.shift();
    return true;
  }

  #error(what: string): HoldfastError {
    return new HoldfastError('bad-command', `'${this.#text}': ${what}`);
  }
}
