/**
 * Effects of a gap on a guest that the runtime cannot fix: the time that its system keeps, its
 * entropy, its address lease; in a clone also its network address. The agent in the guest fixes
 * them. A guest without one reads the right time from the PC's clock (RTC). It keeps its network
 * address until its driver reads the device's again.
 */
import { agentConsole, agentGreeting } from '../guest/agent-console.ts';

/** Bytes that no two lives of a state share. */
const entropyBytes = 64;

interface AgentPort {
  /** Output of this console so far. */
  output(console: string): string;
  consoleInput(console: string, bytes: Uint8Array): void;
}

interface GuestAgentOptions {
  /** New network address of a guest that resumes as a clone. */
  mac?: string;
  nowMs?: number;
}

/** Notifies the guest's agent of a resume. @returns true if there is an agent */
export function notifyGuestAgent(
  port: AgentPort,
  { mac, nowMs = Date.now() }: GuestAgentOptions = {},
): boolean {
  if (!port.output(agentConsole).includes(agentGreeting)) return false;
  const entropy = crypto.getRandomValues(new Uint8Array(entropyBytes));
  const seconds = Math.round(nowMs / 1000);
  const script = '/usr/lib/holdfast/resumed';
  const fields = [script, seconds, btoa(String.fromCharCode(...entropy)), ...(mac ? [mac] : [])];
  // The line break ends any input that a page had begun when the state was taken.
  const line = `\nresumed-${seconds} ${btoa(fields.join(' '))}\n`;
  port.consoleInput(agentConsole, new TextEncoder().encode(line));
  return true;
}

/** Returns a random address with the prefix of v86's network devices. */
export function randomMac(): string {
  const last = crypto.getRandomValues(new Uint8Array(3));
  const hex = Array.from(last, (byte) => byte.toString(16).padStart(2, '0'));
  return ['00', '22', '15', ...hex].join(':');
}
