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
  /** UTF-8, as {@link stderr}. */
  stdout: string;
  /** Empty with an agent of version 1, which sends it to the guest's console. */
  stderr: string;
}

interface Command {
  readonly stdout: Uint8Array[];
  readonly stderr: Uint8Array[];
  /** Of the shell, once it has ended; something that it left behind may still be writing. */
  shellStatus?: number;
  done(result: ExecuteResult): void;
  fail(error: CprError): void;
}

type AgentMachine = Pick<Machine, 'on' | 'consoleInput' | 'status'>;

const defaultTimeoutMs = 30_000;
/** Of the end of a silent command's output, in an error. */
const shownCharacters = 500;
/** Understands code that is not in base64: the guest saves the processes that unpack it. */
const plainCodeVersion = 2;
/** One line. The agent's shell would strip white space at its ends. */
const isPlain = (code: string) => code !== '' && code === code.trim() && !/\p{Cc}/u.test(code);
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
  /** What the agent that answered speaks. */
  #version = 1;

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
    let command: Command | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        given = true;
        reject(noAnswer(code, timeoutMs, command));
      }, timeoutMs);
    });
    const answer = async () => {
      for (let waitMs: number = probeMs.first; !this.#isThere && !given; waitMs *= 1.5)
        await this.#probe(Math.min(waitMs, probeMs.longest));
      return this.#send(this.#encoded(code), (sent) => {
        command = sent;
      });
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

  #encoded(code: string): string {
    return this.#version >= plainCodeVersion && isPlain(code) ? `: ${code}` : toBase64(code);
  }

  async #send(encoded: string, sent?: (command: Command) => void): Promise<ExecuteResult> {
    const id = `${this.#prefix}.${++this.#count}`;
    const answer = new Promise<ExecuteResult>((resolve, reject) => {
      const command = { stdout: [], stderr: [], done: resolve, fail: reject };
      this.#commands.set(id, command);
      sent?.(command);
    });
    await this.#machine.consoleInput(this.#console, `${id} ${encoded}\n`);
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
    const [id = '', kind, data = '', version] = line.split(' ');
    const command = this.#commands.get(id);
    // A port that is not raw yet echoes what was asked: that is nobody's answer.
    if (!command || !isAnswer(kind)) return;
    this.#answeredSince = { bootedAtMs: this.#machine.status?.bootedAtMs };
    switch (kind) {
      case 'o':
        command.stdout.push(fromBase64(data));
        break;
      case 'e':
        command.stderr.push(fromBase64(data));
        break;
      case 's':
        command.shellStatus = Number(data);
        break;
      case 'x':
        if (version !== undefined) this.#version = Number(version);
        this.#commands.delete(id);
        command.done({
          exitCode: Number(data),
          stdout: textOf(command.stdout),
          stderr: textOf(command.stderr),
        });
    }
  }
}

const answers = ['o', 'e', 's', 'x'] as const;
const isAnswer = (kind: string | undefined): kind is (typeof answers)[number] =>
  answers.some((answer) => answer === kind);

function noAnswer(code: string, timeoutMs: number, command: Command | undefined): CprError {
  const shown = `"${code.slice(0, 60)}"`;
  const { shellStatus, stdout = [] } = command ?? {};
  const said = textOf(stdout).slice(-shownCharacters);
  const sofar = said && `\n--- standard output so far ---\n${said}`;
  const why =
    shellStatus === undefined
      ? `The guest did not answer ${shown} within ${timeoutMs} ms. ` +
        'Its agent must be running on the second serial port, and the command must end.'
      : `The shell of ${shown} has ended with status ${shellStatus}, but its standard output was ` +
        `still open after ${timeoutMs} ms: something that it started goes on and holds it. ` +
        'Start that with its output sent elsewhere, as in: command >/dev/null 2>&1 &';
  return new CprError('guest-silent', why + sofar);
}

function textOf(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join('') + decoder.decode();
}

function toBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
