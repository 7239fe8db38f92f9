/** The monitor: a command line for a machine. Pure logic: no DOM, no worker. */
export type { Completion } from './completion.ts';
export { createMonitor, type Monitor, type MonitorOptions, type MonitorResult } from './monitor.ts';
export type { MonitorFiles, WrittenFile } from './monitor-files.ts';
export type { MonitorMachine } from './monitor-machine.ts';
