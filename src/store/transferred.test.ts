import { describe, expect, test, vi } from 'vitest';
import type { DatabaseConnection } from './database-connection.ts';

const rowOf = (bytes: Blob | Uint8Array<ArrayBuffer>) => ({ row: { bytes, digest: 0n } });
function later<T>() {
  let resolve = (_: T) => {};
  let reject = (_: unknown) => {};
  const promise = new Promise<T>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}

class LateBlob extends Blob {
  readonly transfer = later<ArrayBuffer>();

  override slice(): Blob {
    const { promise } = this.transfer;
    return Object.assign(new Blob(), { arrayBuffer: () => promise });
  }
}

const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)';
const chromium = `${agent} Chrome/156.0.0.0 Safari/537.36`;
const withoutWindow = `${agent} HeadlessChrome/156.0.0.0 Safari/537.36`;
const firefox = 'Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0';

/** The module as a worker of this browser loads it. */
async function loadedIn(userAgent: string) {
  vi.stubGlobal('navigator', { userAgent });
  vi.resetModules();
  return import('./transferred.ts');
}

const { leastBlobBytes, rowsTransferred, valuesTransferred } = await loadedIn(chromium);

test('nothing is read in a browser that keeps the bytes', async () => {
  const inFirefox = await loadedIn(firefox);
  await inFirefox.rowsTransferred([rowOf(new LateBlob())]);
  expect(inFirefox.leastBlobBytes).toBe(512 * 1024);
});

test('Chromium is known without a window, too', async () => {
  expect((await loadedIn(withoutWindow)).leastBlobBytes).toBe(leastBlobBytes);
});

describe('rows', () => {
  test('[F12] rows are transferred when the browser has read of every Blob', async () => {
    const first = new LateBlob();
    const second = new LateBlob();
    let isDone = false;
    const done = rowsTransferred([rowOf(first), rowOf(new Uint8Array(9)), rowOf(second)]).then(
      () => {
        isDone = true;
      },
    );
    first.transfer.resolve(new ArrayBuffer(1));
    await first.transfer.promise;
    await new Promise((turn) => setTimeout(turn));
    expect(isDone).toBe(false);
    second.transfer.resolve(new ArrayBuffer(1));
    await done;
  });

  test('[F12] a Blob is read once: the second place is given the same one', async () => {
    const blob = new LateBlob();
    blob.transfer.resolve(new ArrayBuffer(1));
    await rowsTransferred([rowOf(blob)]);
    const slice = vi.spyOn(blob, 'slice');
    await rowsTransferred([rowOf(blob)]);
    expect(slice).not.toHaveBeenCalled();
  });

  test('[F12] a Blob that the browser could not take is read again', async () => {
    const blob = new LateBlob();
    const slice = vi.spyOn(blob, 'slice');
    blob.transfer.reject(new DOMException('No room.', 'NotReadableError'));
    await expect(rowsTransferred([rowOf(blob)])).rejects.toMatchObject({ code: 'storage-full' });
    await expect(rowsTransferred([rowOf(blob)])).rejects.toMatchObject({ code: 'storage-full' });
    expect(slice).toHaveBeenCalledTimes(2);
  });

  test('[F12] rows that the browser cannot take are an error', async () => {
    const blob = new LateBlob();
    const done = rowsTransferred([rowOf(blob)]);
    blob.transfer.reject(new DOMException('No room.', 'NotReadableError'));
    await expect(done).rejects.toMatchObject({ code: 'storage-full' });
  });
});

describe('arrays', () => {
  const reading = (read: () => Promise<unknown>) =>
    ({ read }) as unknown as Pick<DatabaseConnection, 'read'> as DatabaseConnection;

  test('that go with the call are not read back', async () => {
    const connection = reading(() => Promise.reject(new Error('It was read.')));
    await valuesTransferred(connection, 'manifests', [['m', 1]], leastBlobBytes - 1);
  });

  test('that the browser makes Blobs of are read back, one at a time', async () => {
    const reads: ReturnType<typeof later<void>>[] = [];
    const connection = reading(() => {
      const read = later<void>();
      reads.push(read);
      return read.promise;
    });
    const keys: [string, number][] = [
      ['e', 0],
      ['e', 1],
    ];
    const done = valuesTransferred(connection, 'entryParts', keys, leastBlobBytes);
    expect(reads).toHaveLength(1);
    reads[0]?.resolve();
    await new Promise((turn) => setTimeout(turn));
    expect(reads).toHaveLength(2);
    reads[1]?.resolve();
    await done;
  });

  test('that cannot be read back are an error', async () => {
    const connection = reading(() => Promise.reject(new DOMException('', 'NotReadableError')));
    const done = valuesTransferred(connection, 'manifests', [['m', 1]], leastBlobBytes);
    await expect(done).rejects.toMatchObject({ code: 'storage-full' });
  });
});
