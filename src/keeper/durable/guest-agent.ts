/**
 * What a gap breaks in a guest and the emulator cannot mend: the time that its system keeps, its
 * entropy, its lease of an address; in a clone also its network address. The agent in the guest
 * does, where there is one; a guest without one finds the right time in the PC's clock (RTC), and
 * keeps its network address until its driver reads the device's again.
 */
import { agentConsole, agentGreeting } from '../guest/agent-console.ts';

/** Bytes that no two lives of a state share. */
const entropyBytes = 64;

interface AgentPort {
  /** Output of this console so far. */
  said(console: string): string;
  consoleInput(console: string, bytes: Uint8Array): void;
}

interface GuestAgentOptions {
  /** The guest goes on as a clone, with this network address. */
  mac?: string;
  nowMs?: number;
}

/** @returns whether there is an agent that was told */
export function notifyGuestAgent(
  port: AgentPort,
  { mac, nowMs = Date.now() }: GuestAgentOptions = {},
): boolean {
  if (!port.said(agentConsole).includes(agentGreeting)) return false;
  const entropy = crypto.getRandomValues(new Uint8Array(entropyBytes));
  const seconds = Math.round(nowMs / 1000);
  const script = '/usr/lib/holdfast/resumed';
  const fields = [script, seconds, btoa(String.fromCharCode(...entropy)), ...(mac ? [mac] : [])];
  // The line break before it ends whatever a page was in the middle of when the state was taken.
  const line = `\nresumed-${seconds} ${btoa(fields.join(' '))}\n`;
  port.consoleInput(agentConsole, new TextEncoder().encode(line));
  return true;
}

/** A random address with the prefix that v86 gives its network devices. */
export function randomMac(): string {
  const last = crypto.getRandomValues(new Uint8Array(3));
  const hex = Array.from(last, (byte) => byte.toString(16).padStart(2, '0'));
  return ['00', '22', '15', ...hex].join(':');
}
