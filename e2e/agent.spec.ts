import { expect, test } from './golden.ts';

test('runs commands beside the shells and answers with status and output', async ({ guest }) => {
  expect(await guest.execute('echo "grün"; exit 3')).toEqual({ exitCode: 3, stdout: 'grün\n' });
  const large = await guest.execute('seq 20000');
  expect(large.stdout).toBe(Array.from({ length: 20000 }, (_, i) => `${i + 1}\n`).join(''));
});

test('a long command does not hold up a short one', async ({ guest }) => {
  await guest.execute('mkfifo /tmp/fifo');
  const long = guest.execute('cat /tmp/fifo; echo end');
  expect((await guest.execute('echo short')).stdout).toBe('short\n');
  await guest.execute('echo go >/tmp/fifo');
  expect((await long).stdout).toBe('go\nend\n');
});

test('goes on through a live update', async ({ guest, runtimes }) => {
  const running = guest.execute('for i in $(seq 40); do echo $i; usleep 50000; done; echo done');
  await guest.liveUpdate(runtimes.older);
  await guest.liveUpdate(runtimes.newer);
  const { stdout } = await running;
  expect(stdout).toBe(`${Array.from({ length: 40 }, (_, i) => `${i + 1}\n`).join('')}done\n`);
});
