/**
 * Runs commands in the guest through the agent on one of its serial ports
 * (tools/guests/linux/rootfs/usr/lib/holdfast/agent, which says how they talk).
 */
import { CprError } from '../errors.ts';
import { randomId } from '../protocol/random-id.ts';
import type { Machine } from './types.ts';

export interface ExecuteOptions {
  /** How long the command may take, ms. Default 30,000. */
  timeoutMs?: number;
}

export interface ExecuteResult {
  exitCode: number;
  /** UTF-8. */
  stdout: string;
}

interface Command {
  output: Uint8Array[];
  done(result: ExecuteResult): void;
  fail(error: CprError): void;
}

type AgentMachine = Pick<Machine, 'on' | 'consoleInput' | 'status'>;

const defaultTimeoutMs = 30_000;
/** What is said before the agent has opened its port is lost: it is asked again, ever more rarely. */
const probeMs = { first: 200, longest: 3000 } as const;

export class GuestAgent {
  readonly #machine: AgentMachine;
  readonly #console: string;
  readonly #commands = new Map<string, Command>();
  /** Ids are this client's own: pages of one machine share the port. */
  readonly #prefix = randomId();
  #count = 0;
  #line = '';
  #listening = false;
  /** Since which boot somebody has answered: a guest that boots again has no agent for a while. */
  #answeredSince: { bootedAtMs: number | undefined } | undefined;

  constructor(machine: AgentMachine, console = 'serial1') {
    this.#machine = machine;
    this.#console = console;
  }

  /**
   * Runs shell code in the guest, as root; several may run side by side.
   * @throws CprError `guest-silent` when nobody answers in time: no agent, or a command that goes on.
   */
  async execute(
    code: string,
    { timeoutMs = defaultTimeoutMs }: ExecuteOptions = {},
  ): Promise<ExecuteResult> {
    if (!this.#listening) this.#listen();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let given = false;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        given = true;
        reject(noAnswer(code, timeoutMs));
      }, timeoutMs);
    });
    const answer = async () => {
      for (let waitMs: number = probeMs.first; !this.#isThere && !given; waitMs *= 1.5)
        await this.#probe(Math.min(waitMs, probeMs.longest));
      return this.#send(code);
    };
    try {
      return await Promise.race([answer(), silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  get #isThere(): boolean {
    const { bootedAtMs } = this.#machine.status ?? {};
    return this.#answeredSince !== undefined && this.#answeredSince.bootedAtMs === bootedAtMs;
  }

  /** Asks whether anybody is there, and waits a moment for an answer. */
  async #probe(waitMs: number): Promise<void> {
    const pause = new Promise((resolve) => setTimeout(resolve, waitMs));
    await Promise.race([this.#send(''), pause]);
  }

  async #send(code: string): Promise<ExecuteResult> {
    const id = `${this.#prefix}.${++this.#count}`;
    const answer = new Promise<ExecuteResult>((resolve, reject) => {
      this.#commands.set(id, { output: [], done: resolve, fail: reject });
    });
    await this.#machine.consoleInput(this.#console, `${id} ${toBase64(code)}\n`);
    return answer;
  }

  #listen(): void {
    this.#listening = true;
    this.#machine.on('snapshot-restored', () => this.#forget());
    const decoder = new TextDecoder('latin1');
    this.#machine.on('console', ({ console, bytes }) => {
      if (console !== this.#console) return;
      const lines = (this.#line + decoder.decode(bytes)).split('\n');
      this.#line = lines.pop() ?? '';
      for (const line of lines) this.#read(line.trimEnd());
    });
  }

  /** The guest is one that was given none of these commands, and whose agent may not be up yet. */
  #forget(): void {
    this.#line = '';
    this.#answeredSince = undefined;
    const commands = [...this.#commands.values()];
    this.#commands.clear();
    const error = new CprError('cancelled', 'The guest went back to a snapshot meanwhile.');
    for (const { fail } of commands) fail(error);
  }

  #read(line: string): void {
    const [id = '', kind, data = ''] = line.split(' ');
    const command = this.#commands.get(id);
    // A port that is not raw yet echoes what was asked: that is nobody's answer.
    if (!command || (kind !== 'o' && kind !== 'x')) return;
    this.#answeredSince = { bootedAtMs: this.#machine.status?.bootedAtMs };
    if (kind === 'o') command.output.push(fromBase64(data));
    else {
      this.#commands.delete(id);
      const decoder = new TextDecoder();
      const text = command.output.map((piece) => decoder.decode(piece, { stream: true }));
      command.done({ exitCode: Number(data), stdout: text.join('') + decoder.decode() });
    }
  }
}

function noAnswer(code: string, timeoutMs: number): CprError {
  return new CprError(
    'guest-silent',
    `The guest did not answer "${code.slice(0, 60)}" within ${timeoutMs} ms. ` +
      'Its agent must be running on the second serial port, and the command must end.',
  );
}

function toBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
