/**
 * What a gap breaks in a guest and the emulator cannot mend: the time that its system keeps, its
 * entropy, its lease of an address. The agent in the guest does, where there is one; a guest without
 * one finds the right time in the PC's clock (RTC).
 */

/** Where the agent of the demo guest listens (tools/guests/linux/rootfs/usr/lib/holdfast). */
const agentConsole = 'serial1';
const agentGreeting = 'holdfast-agent ';
/** Bytes that no two lives of a state share. */
const entropyBytes = 64;

export interface AgentPort {
  /** What the guest wrote to this console so far. */
  said(console: string): string;
  consoleInput(console: string, bytes: Uint8Array): void;
}

/** @returns whether there is an agent that was told */
export function putRight(port: AgentPort, nowMs = Date.now()): boolean {
  if (!port.said(agentConsole).includes(agentGreeting)) return false;
  const entropy = crypto.getRandomValues(new Uint8Array(entropyBytes));
  const seconds = Math.round(nowMs / 1000);
  const command = `/usr/lib/holdfast/resumed ${seconds} ${btoa(String.fromCharCode(...entropy))}`;
  // The line break before it ends whatever a page was in the middle of when the state was taken.
  const line = `\nresumed-${seconds} ${btoa(command)}\n`;
  port.consoleInput(agentConsole, new TextEncoder().encode(line));
  return true;
}
