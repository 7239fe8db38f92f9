import { expect, test } from 'vitest';
import { fakeConfig } from '../testing/fake-runtime.ts';
import { detailsOf, withFiles } from './stored-details.ts';

const fakeSource = { id: 'fake', v86Version: '0.5.462', url: 'runtime.js', wasmUrl: 'v86.wasm' };
const large = new File([new Uint8Array((4 << 20) + 1)], 'disk.img', { lastModified: 1000 });
const small = new File([new Uint8Array(1440 * 1024)], 'floppy.img');
const memory = new Blob([new Uint8Array((4 << 20) + 1)]);

test('a large file of the user: the details have its name and its expected contents', () => {
  const config = {
    ...fakeConfig,
    hda: { file: large },
    fda: { file: small },
    hdb: { file: memory },
  };
  const details = detailsOf(config, fakeSource);
  expect(details.files).toEqual([
    { device: 'hda', name: 'disk.img', sizeBytes: large.size, lastModifiedMs: 1000 },
  ]);
  const { hda, fda, hdb } = details.config;
  expect(hda).toEqual({ file: expect.objectContaining({ size: 0, name: 'disk.img' }) });
  // Small drives, and those that could not be picked again, are stored.
  expect([fda, hdb]).toEqual([{ file: small }, { file: memory }]);
  expect(config.hda.file).toBe(large);

  expect(withFiles(details, { hda: large }).hda).toEqual({ file: large });
  expect(() => withFiles(details)).toThrow(
    expect.objectContaining({
      code: 'file-needed',
      message: expect.stringContaining('"disk.img"'),
    }),
  );
});

test('a machine without such files needs none', () => {
  const details = detailsOf(fakeConfig, fakeSource);
  expect(details).toEqual({ config: fakeConfig, runtime: fakeSource });
  expect(withFiles(details)).toEqual(fakeConfig);
});
