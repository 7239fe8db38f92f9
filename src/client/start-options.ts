/** Options of the calls that put a machine into a keeper. */
import type { MachineConfig } from '../protocol/config.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { StateIdentity } from '../protocol/state-transfer.ts';
import type { ReadStateOptions, StateUrl } from '../state-file/types.ts';

export interface StartOptions {
  /**
   * Replaces a running machine, and the one in storage under its id. Without it a running machine
   * rejects the call with `bad-runstate`. A stored one leaves the new durable guest unsaved:
   * `storage-occupied`.
   */
  replace?: boolean;
  /** Starts in `inmigrate`, and waits for `cprLoad`. */
  incoming?: boolean;
}

export interface OpenStateOptions extends ReadStateOptions {
  runtime: RuntimeSource;
  /** As in {@link StartOptions}. */
  replace?: boolean;
  /** A second life of the state, or the same machine resumed. Default `clone`. */
  identity?: StateIdentity;
  /**
   * Settings of the new machine that replace those of the state. `foreign` is true for a clone unless it is
   * given: say false for a state that is your own.
   */
  config?: Pick<
    Partial<MachineConfig>,
    'id' | 'name' | 'durable' | 'foreign' | 'suspendWhenHiddenMs' | 'mac'
  >;
  /**
   * Called before anything is fetched from or connected to an address that the state names:
   * addresses of other origins, and every network except a relay of the page itself. Called again,
   * with a `memory`, if the state unpacks to more than 256 MiB. Without this function such a state
   * is rejected.
   *
   * In Node, addresses that are not on the public internet are rejected even so, see
   * {@link allowPrivate}.
   */
  approve?(urls: readonly StateUrl[]): boolean | Promise<boolean>;
  /**
   * Node: the state may reach this computer, its network and its cloud's metadata, if it is
   * approved. Default false.
   */
  allowPrivate?: boolean;
}
