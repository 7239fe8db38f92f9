/**
 * A checksummed log on a raw disk, whose writer records in RAM what it has written. The disk is a ring of
 * slots. Entry n is in slot n modulo their number. Its lines are all the same.
 */
import { createHash } from 'node:crypto';
import { prompt } from '../support/linux-guest.ts';
import { expect, type Guest, type Runtimes } from '../support/test.ts';

const slots = 128;
const slotBytes = 65_536;
const lineBytes = 64;
const linesPerSlot = slotBytes / lineBytes;

/**
 * A line has the entry's number, the time of the write (the guest's uptime), and the MD5 of both.
 *
 * Before an entry is written, its slot must hold the entry of the previous round. The slot is read past
 * the page cache. So a disk that is ahead of RAM is found before the writer overwrites it. /tmp/n is set
 * after the data is on the disk.
 */
const writer = `: >/tmp/bad
cat >/tmp/log.sh <<'END'
n=0
while :; do
  n=$((n+1)); slot=$((n % ${slots}))
  found=$(dd if=/dev/sda bs=${slotBytes} skip=$slot count=1 iflag=direct 2>/dev/null | head -c 10 | tr -d '\\0')
  expected=; [ $n -gt ${slots} ] && expected=$(printf %010d $((n - ${slots})))
  [ "$found" = "$expected" ] || echo "slot $slot held '$found' before $n" >>/tmp/bad
  read up _ </proc/uptime
  body=$(printf '%010d %19s' $n $up)
  sum=$(printf %s "$body" | md5sum)
  yes "$body \${sum%% *}" | head -c ${slotBytes} >/tmp/entry
  dd if=/tmp/entry of=/dev/sda bs=${slotBytes} seek=$slot conv=notrunc oflag=direct 2>/dev/null || echo "write $n failed" >>/tmp/bad
  echo $n >/tmp/log.n
done
END
echo 0 >/tmp/log.n
sh /tmp/log.sh >/dev/null 2>&1 & echo $! >/tmp/writer`;

/** Boots Linux with an empty disk, and a second one of `secondBytes`, and starts the log. */
export async function startLog(
  guest: Guest,
  { newer }: Runtimes,
  secondBytes: number,
): Promise<void> {
  await guest.start(newer, {
    hda: { emptyBytes: slots * slotBytes },
    hdb: { emptyBytes: secondBytes },
  });
  await guest.waitForSerial(prompt, { timeout: 60_000 });
  await guest.execute(writer);
  await expect
    .poll(async () => Number((await guest.execute('cat /tmp/log.n')).stdout), { timeout: 60_000 })
    .toBeGreaterThan(1);
}

/**
 * Lists the writes in progress. A process that has ended remains until the stopped writer waits for
 * it, so that zombies are left out.
 */
const writesUnderWay =
  "for p in $(pidof dd); do grep -q 'State:.[^Z]' /proc/$p/status 2>/dev/null && echo $p; done; true";

/** Stops the writer; a write that it waits for is finished. */
export async function stopLog(guest: Guest): Promise<void> {
  await guest.execute('kill -STOP $(cat /tmp/writer)');
  await expect
    .poll(async () => (await guest.execute(writesUnderWay)).stdout, { timeout: 30_000 })
    .toBe('');
}

/** Compares the disk, read again, with the number in RAM. */
export async function expectWholeLog(guest: Guest): Promise<void> {
  const { stdout } = await guest.execute(
    `cat /tmp/log.n /tmp/bad; echo --; dd if=/dev/sda bs=${slotBytes} iflag=direct 2>/dev/null | tr -d '\\0' | uniq -c`,
    { timeout: 30_000 },
  );
  const [head = '', table = ''] = stdout.split('--\n');
  const [noted = '', ...bad] = head.trim().split('\n');
  expect(bad, 'the disk was ahead of RAM').toEqual([]);
  const last = Number(noted);
  const entries = table.trim().split('\n').map(parseEntry);
  const found = entries.map(({ number }) => number).sort((a, b) => a - b);
  // The entry in progress may already be written.
  const newest = found.at(-1) === last + 1 ? last + 1 : last;
  const oldest = Math.max(1, newest - slots + 1);
  expect(found).toEqual(Array.from({ length: newest - oldest + 1 }, (_, i) => oldest + i));
}

function parseEntry(row: string): { number: number } {
  const [, lines, body = '', sum] = /^\s*(\d+) (\d{10} .{19}) ([0-9a-f]{32})$/.exec(row) ?? [];
  const whole =
    Number(lines) === linesPerSlot && createHash('md5').update(body).digest('hex') === sum;
  if (!whole) throw new Error(`An entry on the disk is torn: ${row}`);
  return { number: Number.parseInt(body, 10) };
}
