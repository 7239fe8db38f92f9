/**
 * Runs commands in the guest through the agent on one of its serial ports. The protocol is
 * described in tools/guests/linux/rootfs/usr/lib/holdfast/agent.
 */
import { HoldfastError } from '../errors.ts';
import { randomId } from '../protocol/random-id.ts';
import { type Line, LineReader } from './line-reader.ts';
import type { MachineCore } from './machine-core.ts';

export interface ExecuteOptions {
  /** Longest time that the command may take, ms. Default 30,000. */
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
  outputBytes: number;
  /** Exit status of the shell, once it has ended. A process that it started may still write. */
  shellStatus?: number;
  done(result: ExecuteResult): void;
  fail(error: HoldfastError): void;
}

type AgentMachine = Pick<MachineCore, 'on' | 'consoleInput' | 'status'>;

const defaultTimeoutMs = 30_000;
/** Most bytes of both outputs of a command. Larger output goes through a file, or the network. */
const outputLimit = 16 * 1024 * 1024;
/** Characters of a silent command's last output that an error shows. */
const shownCharacters = 500;
/**
 * First version that understands code without base64: the guest needs no processes to unpack it.
 */
const plainCodeVersion = 2;
/** True for code of one line. The agent's shell would strip white space at its ends. */
const isPlain = (code: string) => code !== '' && code === code.trim() && !/\p{Cc}/u.test(code);
/** Pauses between probes, ever longer: a probe before the agent has opened its port is lost. */
const probeMs = { first: 200, longest: 3000 } as const;

export class GuestAgent {
  readonly #machine: AgentMachine;
  readonly #console: string;
  readonly #commands = new Map<string, Command>();
  /**
   * Prefix of this client's ids, because pages of one machine share the port. It is short, because
   * the guest's shell reads its line with a system call for each character.
   */
  readonly #prefix = randomId().slice(0, 8);
  #count = 0;
  readonly #lines = new LineReader();
  #listening = false;
  /** Boot in which the agent answered: a guest that boots again has no agent for a while. */
  #answeredSince: { bootedAtMs: number | undefined } | undefined;
  /** Protocol version of the agent that answered. */
  #version = 1;

  constructor(machine: AgentMachine, console = 'serial1') {
    this.#machine = machine;
    this.#console = console;
  }

  /**
   * Runs shell code in the guest, as root. Several commands may run at the same time.
   * @throws HoldfastError `guest-silent` if no answer arrives in time: no agent, or a command that
   * still runs; `guest-failed` if the answer is not from an agent, or is larger than 16 MiB
   */
  async execute(
    code: string,
    { timeoutMs = defaultTimeoutMs }: ExecuteOptions = {},
  ): Promise<ExecuteResult> {
    if (!this.#listening) this.#listen();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let given = false;
    let command: Command | undefined;
    const first = this.#count + 1;
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
      given = true;
      if (command) this.#drop(command);
      else this.#dropSilent(first);
    }
  }

  get #isThere(): boolean {
    const { bootedAtMs } = this.#machine.status ?? {};
    return this.#answeredSince !== undefined && this.#answeredSince.bootedAtMs === bootedAtMs;
  }

  /** Sends an empty command, and waits a moment for an answer. */
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
      const command: Command = {
        stdout: [],
        stderr: [],
        outputBytes: 0,
        done: resolve,
        fail: reject,
      };
      this.#commands.set(id, command);
      sent?.(command);
    });
    await this.#machine.consoleInput(this.#console, `${id} ${encoded}\n`);
    return answer;
  }

  #listen(): void {
    this.#listening = true;
    this.#machine.on('snapshot-restored', () => this.#forget());
    this.#machine.on('console', ({ console, bytes }) => {
      if (console !== this.#console) return;
      for (const line of this.#lines.add(bytes)) this.#read(line);
    });
  }

  /** Fails all commands: the restored guest never received them, and its agent may not run yet. */
  #forget(): void {
    this.#lines.forget();
    this.#answeredSince = undefined;
    const commands = [...this.#commands.values()];
    this.#commands.clear();
    const error = new HoldfastError('cancelled', 'The guest went back to a snapshot meanwhile.');
    for (const { fail } of commands) fail(error);
  }

  #read({ text, isCut }: Line): void {
    const [id = '', kind, data = '', version] = text.split(' ', 4);
    const command = this.#commands.get(id);
    // A port that is not raw yet echoes the command; that is not an answer.
    if (!command || !isAnswer(kind)) return;
    this.#answeredSince = { bootedAtMs: this.#machine.status?.bootedAtMs };
    const isSound = !isCut && this.#take(command, kind, data);
    if (!isSound || kind === 'x') this.#commands.delete(id);
    if (!isSound) command.fail(noAgentsAnswer(command.outputBytes));
    else if (kind === 'x') {
      if (/^[1-9]$/.test(version ?? '')) this.#version = Number(version);
      command.done({
        exitCode: Number(data),
        stdout: textOf(command.stdout),
        stderr: textOf(command.stderr),
      });
    }
  }

  /** @returns false for data that no agent sends */
  #take(command: Command, kind: (typeof answers)[number], data: string): boolean {
    if (kind === 's' || kind === 'x') {
      if (!/^\d{1,3}$/.test(data)) return false;
      command.shellStatus = Number(data);
      return true;
    }
    const bytes = fromBase64(data);
    if (!bytes) return false;
    // An array of one byte takes many times that.
    command.outputBytes += Math.max(bytes.length, 64);
    (kind === 'o' ? command.stdout : command.stderr).push(bytes);
    return command.outputBytes <= outputLimit;
  }

  #drop(command: Command): void {
    for (const [id, each] of this.#commands) if (each === command) this.#commands.delete(id);
  }

  /** Drops the questions that this command asked and that have no answer. */
  #dropSilent(first: number): void {
    for (let count = first; count <= this.#count; count++)
      this.#commands.delete(`${this.#prefix}.${count}`);
  }
}

const answers = ['o', 'e', 's', 'x'] as const;
const isAnswer = (kind: string | undefined): kind is (typeof answers)[number] =>
  answers.some((answer) => answer === kind);

function noAgentsAnswer(outputBytes: number): HoldfastError {
  return new HoldfastError(
    'guest-failed',
    outputBytes > outputLimit
      ? `The command wrote more than ${outputLimit / 2 ** 20} MiB. Let it write to a file, and read parts of that.`
      : "The guest's answer on the agent's port is invalid. Another program writes there, or the agent is damaged.",
  );
}

function noAnswer(code: string, timeoutMs: number, command: Command | undefined): HoldfastError {
  const shown = `"${code.slice(0, 60)}"`;
  const { shellStatus, stdout = [] } = command ?? {};
  const output = textOf(stdout).slice(-shownCharacters);
  const sofar = output && `\n--- standard output so far ---\n${output}`;
  const why =
    shellStatus === undefined
      ? `The guest did not answer ${shown} within ${timeoutMs} ms. ` +
        'Its agent must be running on the second serial port, and the command must end.'
      : `The shell of ${shown} has ended with status ${shellStatus}, but its standard output was ` +
        `still open after ${timeoutMs} ms: a program that it started still runs and holds it. ` +
        'Start that with its output sent elsewhere, as in: command >/dev/null 2>&1 &';
  return new HoldfastError('guest-silent', why + sofar);
}

function textOf(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode();
}

function toBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** @returns undefined for text that is not base64 */
function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
