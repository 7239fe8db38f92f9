/**
 * A checksummed log in the files of an ext2 file system, whose writer records in RAM what it has
 * written. The files are a ring: entry n is in file n modulo their number, as lines that are all
 * the same. The check reads the disk again, after the file system was unmounted.
 */
import { createHash } from 'node:crypto';
import { expect, type Guest } from '../support/test.ts';

export const fileSystemBytes = 4 * 1024 * 1024;
const files = 32;
const linesPerFile = 256;
const device = '/dev/sdb';
const folder = '/mnt/log';

const writer = `mke2fs -F ${device} >/dev/null 2>&1; mkdir -p ${folder}; : >/tmp/fs.bad
mount -t ext2 ${device} ${folder} || echo 'the file system could not be mounted' >>/tmp/fs.bad
cat >/tmp/fs.sh <<'END'
n=0
while :; do
  while [ -e /tmp/fs.stop ]; do : >/tmp/fs.stopped; usleep 50000; done
  n=$((n+1)); file=${folder}/$((n % ${files}))
  body=$(printf %010d $n)
  sum=$(printf %s "$body" | md5sum)
  yes "$body \${sum%% *}" | head -n ${linesPerFile} >$file.new && mv $file.new $file && sync ||
    echo "entry $n was not written" >>/tmp/fs.bad
  echo $n >/tmp/fs.n
done
END
echo 0 >/tmp/fs.n
sh /tmp/fs.sh >/dev/null 2>&1 &`;

/** Starts the log in a guest with an empty second disk of {@link fileSystemBytes}. */
export async function startFileSystemLog(guest: Guest): Promise<void> {
  await guest.execute(writer);
  const written = async () => Number((await guest.execute('cat /tmp/fs.n')).stdout);
  await expect.poll(written, { timeout: 60_000 }).toBeGreaterThan(1);
}

/**
 * Stops the writer between two entries, compares its files with the number in RAM, and continues
 * it.
 */
export async function expectWholeFileSystem(guest: Guest): Promise<void> {
  await guest.execute('rm -f /tmp/fs.stopped; : >/tmp/fs.stop');
  const stopped = async () => (await guest.execute('ls /tmp/fs.stopped 2>&1')).stdout;
  await expect.poll(stopped, { timeout: 30_000 }).toBe('/tmp/fs.stopped\n');
  const { stdout } = await guest.execute(
    `umount ${folder} 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; mount -t ext2 ${device} ${folder}
cat /tmp/fs.n /tmp/fs.bad; dmesg | grep 'EXT[24]-fs error'; echo --; cd ${folder} && for file in [0-9]*; do uniq -c $file; done`,
    { timeout: 30_000 },
  );
  const [head = '', table = ''] = stdout.split('--\n');
  const [noted = '', ...bad] = head.trim().split('\n');
  expect(bad, 'the file system is damaged').toEqual([]);
  const last = Number(noted);
  const found = table
    .trim()
    .split('\n')
    .map(parseFile)
    .sort((a, b) => a - b);
  const oldest = Math.max(1, last - files + 1);
  expect(found).toEqual(Array.from({ length: last - oldest + 1 }, (_, i) => oldest + i));
  await guest.execute('rm -f /tmp/fs.stop');
}

/** @returns the number of the entry that fills the file. */
function parseFile(row: string): number {
  const [, lines, body = '', sum] = /^\s*(\d+) (\d{10}) ([0-9a-f]{32})$/.exec(row) ?? [];
  const whole =
    Number(lines) === linesPerFile && createHash('md5').update(body).digest('hex') === sum;
  if (!whole) throw new Error(`A file of the log is torn: ${row}`);
  return Number.parseInt(body, 10);
}
