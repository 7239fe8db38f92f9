/** cprSave: what both modes do, in order. They differ in a {@link SaveMode}. */
import type { CprMode, CprTarget } from '../../protocol/cpr.ts';
import type { CprSaveReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import type { FrozenExecution } from '../guest/execution.ts';
import { refuseIfBlocked } from './blockers.ts';
import { xxh64 } from './digest.ts';
import type { GuestParts } from './guest-parts.ts';
import { type KeeperSections, sectionsOf } from './sections.ts';
import { Steps } from './steps.ts';
import { writeTarget } from './targets.ts';

/** A guest that stands still to be saved. */
export interface StoppedGuest {
  /** The keeper's own sections. */
  own: KeeperSections;
  frozen: FrozenExecution;
  digest: Digest;
}

/** Keeps the rest of the guest, beside its vmstate. Any of its methods may throw. */
export interface SaveMode {
  readonly name: CprMode;
  /** The runtime whose build bounds the time that stopping may take. */
  readonly source: RuntimeSource;
  /** The guest runs on. */
  prepare(): Promise<void>;
  /** Step `save`. @returns the argument of {@link keep} */
  save(guest: StoppedGuest): Uint8Array;
  /** Puts the rest of the guest in its place. @returns the vmstate, and its part of the report */
  keep(saved: Uint8Array, guest: StoppedGuest, steps: Steps): Promise<KeptGuest>;
  /** The last step: from here on the guest is saved. */
  finish(guest: StoppedGuest, steps: Steps): void;
  /** Releases the result of {@link prepare}. The guest resumes as before. */
  abandon(): void;
}

export interface KeptGuest {
  vmstate: Uint8Array;
  generation?: number;
  checkpointMs?: number;
}

/**
 * Saves the guest and leaves it stopped. The mode decides whether the keeper holds or ends it.
 * @throws HoldfastError after the guest has resumed as before
 */
export async function saveGuest(
  machine: GuestParts,
  target: CprTarget,
  mode: SaveMode,
): Promise<CprSaveReport> {
  const { execution, next } = machine;
  const steps = new Steps('cprSave', machine.around);
  let before: FrozenExecution | undefined;
  try {
    await steps.wait('blockers', () => refuseIfBlocked(mode.name, machine));
    const { h64Raw: digest } = await xxh64();
    const { tookMs: prepareMs } = await steps.wait('prepare', () => mode.prepare());
    await steps.wait('quiesce', () =>
      next.bounded('stop', mode.source, () => execution.instance.quiesce()),
    );
    const frozen = steps.take('stop', () => {
      before = execution.freeze();
      return before;
    });
    const beganMs = performance.now();
    const guest = { own: sectionsOf(machine, mode.name, frozen), frozen, digest };
    const saved = steps.take('save', () => mode.save(guest));
    const saveMs = performance.now() - beganMs;
    const { vmstate, generation, checkpointMs } = await mode.keep(saved, guest, steps);
    const { tookMs: writeMs } = await steps.wait('write', () =>
      writeTarget(target, vmstate, machine.openStore),
    );
    mode.finish(guest, steps);
    return {
      mode: mode.name,
      machineId: machine.id,
      runstate: frozen.runstate,
      savedAtMs: guest.own.machine.savedAtMs,
      vmstateBytes: vmstate.byteLength,
      ...(target.kind === 'bytes' && { bytes: vmstate }),
      ...(generation !== undefined && { generation }),
      timings: {
        prepareMs,
        saveMs,
        ...(checkpointMs !== undefined && { checkpointMs }),
        writeMs,
      },
    };
  } catch (thrown) {
    mode.abandon();
    if (before) execution.thaw(before);
    throw thrown;
  }
}
