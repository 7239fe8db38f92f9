import { expect, test } from 'vitest';
import { optionTable } from '../../protocol/options/option-table.ts';
import { draftOptions } from './machine-draft.ts';
import { formFields, MachineForm, targetParts } from './machine-form.ts';

const disk = new File(['x'], 'disk.img');
const fieldOf = (key: string) => {
  const entry = formFields.find((candidate) => candidate.key === key);
  if (!entry) throw new Error(`No field "${key}"`);
  return entry.field;
};

test('a form that was not changed is the demo Linux with the defaults of the table', () => {
  const { boots, texts, images, folder } = new MachineForm().draft;
  expect(boots).toBe('demo');
  expect(texts).toMatchObject({ memoryMiB: '128', vgaMemoryMiB: '8' });
  expect(texts.name).toBeUndefined();
  expect(images.cdrom).toMatchObject({ origin: 'none' });
  // A kernel is required where it is asked for: a file, unless the visitor says otherwise.
  expect(images.bzImage).toMatchObject({ origin: 'file' });
  expect(folder).toEqual([]);
});

test('each option that the table gives fields has them, the first under its own name', () => {
  const withFields = Object.entries(optionTable).filter(([, { fields }]) => fields);
  for (const [option] of withFields) expect(formFields.map(({ key }) => key)).toContain(option);
  expect(new Set(formFields.map(({ key }) => key)).size).toBe(formFields.length);
});

test.each([
  ['cdrom', 'drives'],
  ['initrd', 'kernel'],
  ['multiboot', 'multiboot'],
  ['bios', 'demo'],
] as const)('a file for %s boots %s', (field, boots) => {
  const form = new MachineForm();
  form.setImage(field, { origin: 'file', file: disk });
  expect(form.boots).toBe(boots);
});

test("the visitor's choice of what to boot stays when files are picked", () => {
  const form = new MachineForm();
  form.chooseBoots('demo');
  form.setImage('hda', { origin: 'file', file: disk });
  expect(form.boots).toBe('demo');
});

test('typing an address, or choosing no disk, does not change what boots', () => {
  const form = new MachineForm();
  form.setImage('bzImage', { url: 'vmlinuz' });
  form.setImage('hda', { origin: 'none' });
  expect(form.boots).toBe('demo');
});

test('fields of a kernel count only where a kernel boots', () => {
  const form = new MachineForm();
  expect(form.shows(fieldOf('cmdline'))).toBe(false);
  form.chooseBoots('multiboot');
  expect(form.shows(fieldOf('cmdline'))).toBe(true);
  expect(form.shows(fieldOf('memoryMiB'))).toBe(true);
});

test('spaces around a text are dropped, except in a command line', () => {
  const form = new MachineForm();
  form.chooseBoots('multiboot');
  form.setText('name', '  Mine ');
  form.setText('cmdline', ' quiet ');
  form.setText('networkBackend', 'wisp: wss://host ');
  expect(form.draft.texts).toMatchObject({
    name: 'Mine',
    cmdline: ' quiet ',
    networkBackend: 'wisp:wss://host',
  });
  form.setText('networkBackend', 'fetch: ');
  expect(form.draft.texts.networkBackend).toBe('fetch');
});

test('fields of members become one option', () => {
  const form = new MachineForm();
  form.setText('cpu', '2');
  form.setText('cpu.1', 'off');
  expect(form.draft.texts.cpu).toBe('cpuidLevel:2,jit:off');
  expect(draftOptions(form.draft)).toMatchObject({ cpu: { cpuidLevel: 2, jit: false } });
});

test('the value of an option is shown by its fields for texts alone', () => {
  const form = new MachineForm();
  form.setOption('filesystem9p', 'off');
  expect(form.draft).toMatchObject({ texts: { filesystem9p: 'off' }, folder: [] });
  form.setText('filesystem9p.1', '');
  expect(form.draft.texts.filesystem9p).toBeUndefined();
});

test.each([
  ['', '', ''],
  ['fetch', 'fetch', ''],
  ['wisp:wss://host:80', 'wisp', 'wss://host:80'],
])('the parts of "%s"', (text, kind, target) => {
  expect(targetParts(text)).toEqual([kind, target]);
});
