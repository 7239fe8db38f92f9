/** Commands for CheckPoint and Restart. */
import type { Command } from '../command.ts';
import { entryNameOf } from '../monitor-files.ts';
import { findRuntime } from './guest.ts';
import { parseMode } from './info.ts';

const vmstateType = 'application/octet-stream';

export const cprCommands: readonly Command[] = [
  {
    names: ['cprsave'],
    parameters: [
      { name: 'file', kind: 'state' },
      { name: 'mode', kind: 'mode' },
      { name: 'runtime', kind: 'runtime', optional: true },
    ],
    help: "stop the guest and save its devices' state. Mode restart: another runtime waits for cprload. Mode reboot: storage holds the rest, and the machine ends",
    run: async (context, args) => {
      const { machine, files } = context;
      const file = args.text('file');
      const mode = parseMode('cprsave', args.text('mode'));
      const name = args.optional('runtime');
      const options = { mode, ...(name !== undefined && { runtime: findRuntime(context, name) }) };

      const entry = entryNameOf(file);
      if (entry !== undefined) {
        const { vmstateBytes } = await machine.cprSave({ kind: 'store', name: entry }, options);
        return saved(file, vmstateBytes, mode);
      }
      const handle = await files.handle?.(file);
      const { bytes, vmstateBytes } = await machine.cprSave(
        handle ? { kind: 'file', handle } : { kind: 'bytes' },
        options,
      );
      if (bytes) await context.write(file, vmstateType, bytes);
      else context.wrote(file, vmstateType);
      return saved(file, vmstateBytes, mode);
    },
  },
  {
    names: ['cprload'],
    parameters: [{ name: 'file', kind: 'state' }],
    help: 'load a state that cprsave wrote, and restore the run state: running, paused or suspended',
    run: async ({ machine, files }, args) => {
      const file = args.text('file');
      const entry = entryNameOf(file);
      const { runstate, v86Version, fellBack } = await machine.cprLoad(
        entry === undefined
          ? { kind: 'file', file: await files.read(file) }
          : { kind: 'store', name: entry },
      );
      return [
        ...(fellBack === undefined ? [] : [`Warning: ${fellBack}`]),
        `Loaded '${file}': the guest is ${runstate} on v86 ${v86Version}.`,
      ];
    },
  },
  {
    names: ['cpr_cancel'],
    parameters: [],
    help: 'after cprsave in mode restart: resume in the previous runtime',
    run: async ({ machine }) => {
      await machine.cprCancel();
      return undefined;
    },
  },
];

function saved(file: string, sizeBytes: number, mode: 'restart' | 'reboot'): string {
  const next =
    mode === 'restart'
      ? `The machine waits for it. cprload ${file} resumes from it, cpr_cancel resumes without it.`
      : `The machine has ended; cprload ${file} resumes it.`;
  return `Saved ${sizeBytes} bytes to '${file}'. ${next}`;
}
