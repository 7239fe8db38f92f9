/** Arguments of a command: converts words to values, with HMP's error messages. */
import { HoldfastError } from '../errors.ts';
import type { Word } from './command-line.ts';
import { evaluate, type RegisterLookup } from './expression.ts';
import { type MemoryFormat, parseMemoryFormat } from './memory-format.ts';

/** Kinds of arguments. They decide the candidates of completion and the text of errors. */
export type ArgumentKind =
  | 'string'
  | 'file'
  /** A file with a state, or `store:NAME` for one in the browser's storage. */
  | 'state'
  | 'device'
  | 'keys'
  | 'integer'
  | 'format'
  | 'mode'
  | 'runtime'
  | 'command'
  | 'topic';

export interface Parameter {
  name: string;
  kind: ArgumentKind;
  optional?: boolean;
}

/** An option of one letter; `-f png` if it takes a value. */
export interface Option {
  letter: string;
  value?: string;
}

export interface Signature {
  parameters: readonly Parameter[];
  options?: readonly Option[];
}

/** Returns the usage text: `pmemsave addr size file`, `eject [-f] device`. */
export function signatureText({ parameters, options = [] }: Signature): string {
  return [
    ...options.map(({ letter, value }) => `[-${letter}${value ? ` ${value}` : ''}]`),
    ...parameters.map(({ name, kind, optional }) => {
      const shown = kind === 'format' ? '/fmt' : name;
      return optional && kind !== 'format' ? `[${shown}]` : shown;
    }),
  ].join(' ');
}

export class Arguments {
  readonly #command: string;
  readonly #options = new Map<string, string>();
  readonly #values = new Map<string, string>();
  readonly #format: MemoryFormat | undefined;
  readonly #registers: RegisterLookup | undefined;

  /** @throws HoldfastError `bad-command` */
  constructor(
    command: string,
    { parameters, options = [] }: Signature,
    words: readonly Word[],
    registers?: RegisterLookup,
  ) {
    this.#command = command;
    this.#registers = registers;
    const rest = [...words];
    this.#takeOptions(rest, options);
    for (const { name, kind, optional } of parameters) {
      if (kind === 'format') {
        if (rest[0]?.text.startsWith('/') && !rest[0].quoted)
          this.#format = parseMemoryFormat(rest.shift()!.text);
        continue;
      }
      const word = rest.shift();
      if (word) this.#values.set(name, word.text);
      else if (!optional) throw this.#error(`${expectedWord[kind]} expected`);
    }
    if (rest.length > 0) throw this.#error('extraneous characters at the end of line');
  }

  #takeOptions(rest: Word[], options: readonly Option[]): void {
    if (options.length === 0) return;
    while (rest[0] && !rest[0].quoted && /^-[a-zA-Z]+$/.test(rest[0].text)) {
      for (const letter of rest.shift()!.text.slice(1)) {
        const option = options.find((known) => known.letter === letter);
        if (!option) throw this.#error(`unsupported option -${letter}`);
        const value = option.value === undefined ? '' : rest.shift()?.text;
        if (value === undefined) throw this.#error(`option -${letter} expects ${option.value}`);
        this.#options.set(letter, value);
      }
    }
  }

  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  optional(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** @throws HoldfastError `bad-command` for anything but an integer from `least` on */
  integer(name: string, least = 0): number {
    const value = evaluate(this.text(name), this.#registers);
    if (value < least) throw this.#error(`${name} must be ${least} or more`);
    return value;
  }

  hasOption(letter: string): boolean {
    return this.#options.has(letter);
  }

  option(letter: string): string | undefined {
    return this.#options.get(letter);
  }

  format(usual: MemoryFormat): MemoryFormat {
    return this.#format ?? usual;
  }

  #error(what: string): HoldfastError {
    return new HoldfastError('bad-command', `${this.#command}: ${what}`);
  }
}

const expectedWord: Record<ArgumentKind, string> = {
  string: 'string',
  file: 'filename',
  state: 'filename',
  device: 'block device name',
  keys: 'keys',
  integer: 'integer',
  format: 'format',
  mode: 'mode (restart or reboot)',
  runtime: 'runtime',
  command: 'command',
  topic: 'topic',
};
