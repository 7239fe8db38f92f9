import { expect, test } from 'vitest';
import { WatchedWrites } from './watched-writes.ts';

const pages = 8;

function tracked() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const notes = new Uint8Array(memory.buffer, 0, pages);
  const writes = {
    map: { address: 0, pages },
    collect: () => undefined,
    reset: () => void notes.fill(0),
  };
  const watched = new WatchedWrites(writes, memory);
  const write = (page: number) => {
    notes[page] = 1;
  };
  return { watched, notes, write };
}

const marked = (marks: Uint8Array) => [...marks.keys()].filter((page) => marks[page]);

/** As the checkpointer reads them. */
function checkpoint({ watched, notes }: ReturnType<typeof tracked>): number[] {
  watched.collect();
  const found = marked(notes);
  watched.reset();
  return found;
}

test('a write before a snapshot is found by the next checkpoint', () => {
  const guest = tracked();
  guest.write(3);
  guest.watched.take();
  guest.write(5);
  expect(checkpoint(guest)).toEqual([3, 5]);
  expect(checkpoint(guest)).toEqual([]);
});

test('a page that a checkpoint has seen still counts as changed since the snapshot', () => {
  const guest = tracked();
  guest.watched.take();
  guest.write(3);
  expect(checkpoint(guest)).toEqual([3]);
  guest.write(5);
  expect(marked(guest.watched.take())).toEqual([3, 5]);
  expect(marked(guest.watched.take())).toEqual([]);
});
