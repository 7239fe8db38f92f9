import { describe, expect, test } from 'vitest';
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

describe('a reader with a map of its own', () => {
  const place = 64;
  const readerOf = ({ watched, notes }: ReturnType<typeof tracked>) => {
    const marks = new Uint8Array(notes.buffer, place, pages);
    const { writes, end } = watched.reader(place);
    const seen = () => {
      writes.collect();
      const found = marked(marks);
      writes.reset();
      return found;
    };
    return { seen, end };
  };

  test('sees every page at first, and then what was written since', () => {
    const guest = tracked();
    const { seen } = readerOf(guest);
    expect(seen()).toHaveLength(pages);
    guest.write(2);
    expect(seen()).toEqual([2]);
    expect(seen()).toEqual([]);
  });

  test('takes no mark away from checkpoints and snapshots, nor they from it', () => {
    const guest = tracked();
    const { seen } = readerOf(guest);
    guest.watched.take();
    seen();
    checkpoint(guest);
    guest.write(3);
    expect(seen()).toEqual([3]);
    guest.write(4);
    expect(checkpoint(guest)).toEqual([3, 4]);
    guest.write(5);
    expect(marked(guest.watched.take())).toEqual([3, 4, 5]);
    // Pages that a checkpoint has put back may be seen twice.
    expect(seen()).toEqual(expect.arrayContaining([4, 5]));
    expect(checkpoint(guest)).toEqual([5]);
  });

  test('that has ended gets no more marks', () => {
    const guest = tracked();
    const { seen, end } = readerOf(guest);
    seen();
    end();
    guest.write(6);
    checkpoint(guest);
    expect(seen()).toEqual([]);
  });
});
