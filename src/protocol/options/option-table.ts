/**
 * The table of machine options, in the order of the New-machine dialog. The API's checks, the attributes
 * of `<holdfast-guest>` and the names in the address derive from it. So do the dialog's fields, the members
 * of state files, and docs/options.md.
 *
 * A new option is a member of `MachineConfig` (src/protocol/config.ts) and a row. Rows are here, in
 * boot-options.ts and in device-options.ts. Where v86 takes the option, src/runtime/boot/ passes it on.
 */
import { bootOptions } from './boot-options.ts';
import { limits } from './compound-kinds.ts';
import { deviceOptions } from './device-options.ts';
import type { MachineOptions } from './machine-options.ts';
import type { MachineOption } from './option.ts';
import { choice, number } from './row-parts.ts';
import { milliseconds, onOff, text, wholeNumber } from './simple-kinds.ts';

export const optionTable: Readonly<Record<keyof MachineOptions, MachineOption>> = {
  name: {
    ...text,
    help: 'shown to people; by default the name of what the machine boots',
    fields: [
      {
        label: 'Name',
        place: 'top',
        control: { kind: 'text', maxLength: 80, placeholder: 'defaults to the image name' },
      },
    ],
    inStateFile: 'optional',
  },
  memoryMiB: {
    ...wholeNumber(16, 2047, 'MiB'),
    help: 'RAM of the guest, at least 80 with an initrd; by default 128',
    // The least depends on the guest: page-options.ts reads it.
    url: [{ name: 'm' }],
    fields: [{ label: 'Memory', place: 'top', control: { ...number('128'), unit: 'MiB' } }],
    inStateFile: 'required',
  },
  ...bootOptions,
  ...deviceOptions,
  durable: {
    ...onOff,
    help: 'takes checkpoints, so that the guest resumes after a crash; by default false',
    // The page's own: page-options.ts reads it.
    url: [{ name: 'durable' }],
    fields: [
      {
        label: 'Checkpoints',
        control: choice(
          ['', 'Kept in this browser while it runs'],
          ['off', 'None: it ends with the browser'],
        ),
        place: 'advanced',
      },
    ],
    inStateFile: 'never',
  },
  suspendWhenHiddenMs: {
    ...milliseconds,
    help: 'suspends the guest once no page has been visible for this long; by default never',
    inStateFile: 'optional',
  },
  limits: {
    ...limits,
    help: 'what the guest may take: by default 256 MiB of the 9p share, 4096 MiB written to disks',
    inStateFile: 'never',
  },
  onlyCprCapable: {
    ...onOff,
    help: 'refuses to start with anything that could later block `cprSave`; by default false',
    inStateFile: 'never',
  },
};

/** The names of all options. */
export const optionNames = Object.keys(optionTable) as (keyof MachineOptions)[];
