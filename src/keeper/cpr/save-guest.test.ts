import { beforeEach, expect, test, vi } from 'vitest';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { fakeConfig } from '../testing/fake-runtime.ts';
import type { GuestParts } from './guest-parts.ts';
import { type SaveMode, saveGuest } from './save-guest.ts';

const source: RuntimeSource = { id: 'fake', url: '/a.js', wasmUrl: '/a.wasm', v86Version: '1' };
const toBytes = { kind: 'bytes' } as const;
const before = { runstate: 'running', wasSuspended: false } as const;

let calls: string[];

/** A mode that notes what it is asked, and fails at one of its methods. */
function modeFailingAt(failing?: keyof SaveMode): SaveMode {
  const note = (name: keyof SaveMode) => {
    calls.push(name);
    if (name === failing) throw new Error(`no ${name}`);
  };
  return {
    name: 'restart',
    source,
    prepare: async () => note('prepare'),
    save: () => {
      note('save');
      return Uint8Array.of(1);
    },
    keep: async (saved) => {
      note('keep');
      return { vmstate: saved, generation: 7 };
    },
    finish: () => note('finish'),
    abandon: () => calls.push('abandon'),
  };
}

let machine: GuestParts;
beforeEach(() => {
  calls = [];
  const execution = {
    source,
    instance: { quiesce: async () => calls.push('quiesce') },
    freeze: vi.fn(() => {
      calls.push('freeze');
      return before;
    }),
    thaw: (frozen: unknown) => calls.push(frozen === before ? 'thaw' : 'thaw something else'),
  };
  machine = {
    id: 'one',
    backing: { config: fakeConfig, blocks: [], kept: new Map() },
    execution,
    next: { bounded: (_phase: string, _source: unknown, stop: () => unknown) => stop() },
  } as unknown as GuestParts;
});

test('a mode is prepared while the guest runs, and keeps what was saved while it stands still', async () => {
  const report = await saveGuest(machine, toBytes, modeFailingAt());
  expect(calls).toEqual(['prepare', 'quiesce', 'freeze', 'save', 'keep', 'finish']);
  expect(report).toMatchObject({ mode: 'restart', machineId: 'one', generation: 7 });
  expect(report.bytes).toEqual(Uint8Array.of(1));
});

test.each([
  ['prepare', ['prepare', 'abandon']],
  ['save', ['prepare', 'quiesce', 'freeze', 'save', 'abandon', 'thaw']],
  ['keep', ['prepare', 'quiesce', 'freeze', 'save', 'keep', 'abandon', 'thaw']],
  ['finish', ['prepare', 'quiesce', 'freeze', 'save', 'keep', 'finish', 'abandon', 'thaw']],
] as const)('any mode: when "%s" fails, the guest continues', async (failing, expected) => {
  await expect(saveGuest(machine, toBytes, modeFailingAt(failing))).rejects.toThrow(
    `no ${failing}`,
  );
  expect(calls).toEqual(expected);
});
