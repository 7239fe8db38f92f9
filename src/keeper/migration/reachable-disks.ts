/** A guest of another host is let in only if its disks are there. */
import { driveNames, type MachineConfig } from '../../protocol/config.ts';
import { askingFor } from '../../protocol/visitor.ts';
import { refused } from './refused.ts';

/** Longest wait for a server, ms. */
const serverMs = 10_000;
/** Answers of a server that does not give the file. Others may only mean that it knows no HEAD. */
const missing: readonly number[] = [401, 403, 404, 410];

/**
 * Requests the head of every disk that a server has. The runtime reads them only while memory arrives.
 * @throws HoldfastError `migration-refused` naming the first one that is missing
 */
export async function requireDisks(config: MachineConfig, signal: AbortSignal): Promise<void> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(serverMs)]);
  await Promise.all(
    driveNames.map(async (drive) => {
      const source = config[drive];
      // The URL of a disk in parts is that of no file.
      if (!source || !('url' in source) || source.load === 'parts') return;
      const asking = askingFor(source.url, config.foreign, globalThis.location?.href);
      const response = await fetch(source.url, { method: 'HEAD', ...asking, signal: late }).catch(
        (thrown: unknown) => {
          throw refused(
            `The guest's disk ${drive}, ${source.url}, cannot be reached here.`,
            thrown,
          );
        },
      );
      await response.body?.cancel();
      if (missing.includes(response.status))
        throw refused(
          `The guest's disk ${drive} is not at ${source.url} for this host (${response.status}).`,
        );
    }),
  );
}
