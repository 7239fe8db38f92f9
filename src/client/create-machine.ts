import { HoldfastError } from '../errors.ts';
import { type DriveName, driveNames } from '../protocol/config.ts';
import { requireOptions } from '../protocol/options/check-options.ts';
import type { MachineOptions } from '../protocol/options/machine-options.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import { connect } from './connect.ts';
import { type DemoGuest, isDemoGuest, openAtPrompt } from './demo-guest.ts';
import { fillShare, loadContents, type MachineContents } from './machine-contents.ts';
import { defaultMachineId } from './machine-id.ts';
import type { Firmware } from './options/machine-config.ts';
import type { ConnectOptions, Machine } from './types.ts';

/** The files of a build of Holdfast, beside the page's own code. */
export interface HoldfastAssets {
  /** URL of keeper.js, on the origin of the page. Guests live as long as it stays the same. */
  keeperUrl: string;
  firmware: Firmware;
  /** Newest v86 first. */
  runtimes: readonly RuntimeSource[];
}

/** The parts of a build that a start may need, and its demo guest. */
type Build = Pick<HoldfastAssets, 'firmware' | 'runtimes'> & { demo?: DemoGuest };

/** Options of the machine, and of the connection to its keeper. */
export interface CreateOptions extends MachineOptions, Partial<ConnectOptions> {
  /** Destroys a machine of this id that runs or is in storage. Default false. */
  fresh?: boolean;
  /** The runtime to start with. Default: the newest of {@link HoldfastAssets.runtimes}. */
  runtime?: RuntimeSource;
}

/**
 * Returns the machine of this id. If it runs, the page attaches to it, also if another page started it.
 * Otherwise, with `durable`, it resumes the one in storage from its last checkpoint. Otherwise it
 * starts a new one with these options.
 *
 * So the same call starts a guest and finds it again after a reload. `machine.status.startSource`
 * is the one that applied.
 * @throws HoldfastError `bad-config` before anything else happens, with each option that is not
 * acceptable; also the errors that connecting and starting reject with
 */
export async function createMachine(
  options: CreateOptions,
  assets: HoldfastAssets & Build,
): Promise<Machine> {
  const { machineId, keeperUrl, host, worker, silenceMs, runtimes, upgrade, ...others } = options;
  const { fresh = false, runtime, ...given } = others;
  requireOptions(given);
  const source = runtime ?? newestOf(runtimes ?? assets.runtimes);
  const machine = await connect({
    keeperUrl: keeperUrl ?? assets.keeperUrl,
    runtimes: runtimes ?? assets.runtimes,
    ...(machineId !== undefined && { machineId }),
    ...(host !== undefined && { host }),
    ...(worker !== undefined && { worker }),
    ...(silenceMs !== undefined && { silenceMs }),
    ...(upgrade !== undefined && { upgrade }),
  });
  try {
    const isThere = machine.status !== null && !machine.status.destroyed;
    if (
      !fresh &&
      (isThere ||
        (given.durable && (await resumed(machine, machineId, source, pickedFiles(given)))))
    )
      return machine;
    const contents = await loadContents(given, assets.firmware);
    contents.config.id = machineId ?? defaultMachineId;
    const demo = demoFor(given, assets);
    await orThere(machine, () => begin(machine, contents, source, { replace: fresh, demo }));
    return machine;
  } catch (thrown) {
    machine.close();
    throw thrown;
  }
}

/** Starts the machine, or opens it at its prompt if the build has a state of it. */
async function begin(
  machine: Machine,
  contents: MachineContents,
  runtime: RuntimeSource,
  { replace = false, demo }: { replace?: boolean; demo: DemoGuest | undefined },
): Promise<void> {
  const { config } = contents;
  if (demo && (await openAtPrompt(machine, demo, { config, runtime, replace }))) return;
  await machine.start(config, runtime, { replace });
  await fillShare(machine, contents);
}

const demoFor = (options: MachineOptions, { demo }: Build) =>
  demo && isDemoGuest(options, demo) ? demo : undefined;

/** @returns true if storage has such a machine, which then runs */
async function resumed(
  machine: Machine,
  id = defaultMachineId,
  runtime: RuntimeSource,
  files: Partial<Record<DriveName, Blob>>,
): Promise<boolean> {
  const stored = await machine.storage.list().catch((thrown) => {
    // Without storage a guest is as durable as its worker.
    if (thrown instanceof HoldfastError && thrown.code === 'storage-unavailable') return [];
    throw thrown;
  });
  if (!stored.some((one) => one.id === id && one.takenAtMs !== undefined)) return false;
  return orThere(machine, () => machine.resumeStored(id, { runtime, files }));
}

/** Files that a stored machine may need again, see {@link StoredMachineInfo.needs}. */
function pickedFiles(options: MachineOptions): Partial<Record<DriveName, Blob>> {
  const files: Partial<Record<DriveName, Blob>> = {};
  for (const device of driveNames) {
    const { [device]: input } = options;
    const file = input && typeof input === 'object' && 'file' in input ? input.file : input;
    if (file instanceof Blob) files[device] = file;
  }
  return files;
}

/**
 * Starts a new machine in a keeper that no other client can reach.
 * @param open called once nothing about the options is wrong
 * @throws HoldfastError as {@link createMachine}
 */
export async function startMachine(
  options: MachineOptions,
  open: () => Promise<Machine>,
  build: Build,
): Promise<Machine> {
  const runtime = newestOf(build.runtimes);
  const contents = await loadContents(options, build.firmware);
  const machine = await open();
  try {
    await begin(machine, contents, runtime, { demo: demoFor(options, build) });
    return machine;
  } catch (thrown) {
    machine.close();
    throw thrown;
  }
}

function newestOf([newest]: readonly RuntimeSource[]): RuntimeSource {
  if (newest) return newest;
  throw new HoldfastError('runtime-unavailable', 'This build ships no runtime.');
}

/** Accepts the guest of another page that was faster. */
async function orThere(machine: Machine, action: () => Promise<unknown>): Promise<true> {
  try {
    await action();
  } catch (thrown) {
    const code = thrown instanceof HoldfastError ? thrown.code : undefined;
    if (code !== 'bad-runstate' && code !== 'busy') throw thrown;
    if (!machine.status) await new Promise<void>((resolve) => waitForStatus(machine, resolve));
  }
  return true;
}

function waitForStatus(machine: Machine, done: () => void): void {
  const stop = machine.on('status', () => {
    stop();
    done();
  });
}
