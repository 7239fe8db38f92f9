import { expect, test } from 'vitest';
import { defaultConfig, type MachineConfig } from '../../protocol/config.ts';
import { exportChoices } from './export-choices.ts';

const config: MachineConfig = {
  ...defaultConfig,
  name: 'test',
  bios: { url: 'bios' },
  vgaBios: { url: 'vgabios' },
};
const labels = (more: Partial<MachineConfig>) =>
  exportChoices({ config: { ...config, ...more } }).map(({ label }) => label);

test('every disk that is written to is a choice, a CD is none', () => {
  expect(labels({})).toEqual(['State file', 'Everything']);
  expect(
    labels({ hda: { emptyBytes: 512 }, cdrom: { url: 'a.iso' }, fda: { url: 'a.img' } }),
  ).toEqual(['State file', 'Disk hda', 'Disk fda', 'Everything']);
});

test('a machine without a known checkpoint can be exported as a whole', () => {
  expect(exportChoices({}).map(({ request }) => request)).toEqual([
    { kind: 'state' },
    { kind: 'everything' },
  ]);
});
