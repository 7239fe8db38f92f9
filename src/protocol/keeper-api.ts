/** The calls a page makes to the keeper. Additive only: pages of any age use them. */
import type { RamBlock } from './abi.ts';
import type { MachineConfig } from './config.ts';
import type { MachineStatus, RestartTimings } from './events.ts';

/** A runtime by address. URLs are absolute. */
export interface RuntimeSource {
  /** Stable name of this build, for example `0.5.462-1a2b3c4d`. */
  id: string;
  v86Version: string;
  /** The module to import. */
  url: string;
  wasmUrl: string;
}

export interface KeeperInfo {
  abiVersion: number;
  /** Random; two answers with the same id came from the same worker. */
  instanceId: string;
  /** Whether guests survive the page: a shared worker with an extended lifetime. */
  survivesPages: boolean;
  /** `Date.now()` when the worker began. */
  startedAtMs: number;
  /**
   * Name of a Web Lock that the worker holds for its whole life: who is granted it knows that the
   * worker is gone. Absent where there are no Web Locks (insecure origins).
   */
  keeperLock?: string;
  machine: MachineStatus | null;
}

export interface StartRequest {
  config: MachineConfig;
  runtime: RuntimeSource;
  /** Replace a machine that is already there. Without it, that is `bad-runstate`. */
  replace?: boolean;
}

export interface RestartReport {
  runtimeId: string;
  v86Version: string;
  timings: RestartTimings;
}

export interface KeeperApi {
  info(): KeeperInfo;
  ping(): number;
  /**
   * Subscribes to the machine's events (posted to `port` as {@link MachineEvent}).
   * `pageLock`: name of a Web Lock that the page holds for as long as it lives; empty where it has
   * no Web Locks. Such a page says that it leaves by any message to its end of the port.
   */
  attach(port: MessagePort, pageLock: string): Promise<KeeperInfo>;
  start(request: StartRequest): Promise<void>;
  restart(runtime: RuntimeSource): Promise<RestartReport>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  destroy(): Promise<void>;
  ramBlocks(): RamBlock[];
  /** A {@link RuntimeCommands} member by name. */
  command(name: string, args: unknown[]): unknown;
}
