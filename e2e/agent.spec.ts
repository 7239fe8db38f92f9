import { readFileSync } from 'node:fs';
import { expect, test } from './golden.ts';

const agent = readFileSync('tools/guests/linux/rootfs/usr/lib/holdfast/agent');

test('runs commands beside the shells and answers with status and output', async ({ guest }) => {
  expect(await guest.execute('echo "grün"; exit 3')).toEqual({
    exitCode: 3,
    stdout: 'grün\n',
    stderr: '',
  });
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

test('an agent that is copied in keeps standard error apart, and tells a shell that has ended', async ({
  guest,
}) => {
  await guest.copyIn(agent, '/tmp/agent');
  const from = await guest.console('serial1').end();
  await guest.run(
    "kill $(ps -o pid,args | awk '/[h]oldfast.agent/ { print $1 }'); chmod +x /tmp/agent; setsid /tmp/agent &",
  );
  await guest.console('serial1').waitFor(/^holdfast-agent 2/m, { from });

  const serialFrom = await guest.serial.end();
  expect(await guest.execute('echo said; echo "wärning" >&2; exit 3')).toEqual({
    exitCode: 3,
    stdout: 'said\n',
    stderr: 'wärning\n',
  });
  expect((await guest.execute('for i in 1 2; do\n  echo $i\ndone >&2')).stderr).toBe('1\n2\n');
  expect(await guest.serial.log(serialFrom)).not.toContain('rning');
  await expect(guest.succeed('echo broken >&2; false')).rejects.toThrow(
    /--- standard error ---\nbroken/,
  );
  // That a wait ends with what this line says is shown in agent.test.ts.
  const answersFrom = await guest.console('serial1').end();
  const held = guest.execute('echo begun; tail -f /dev/null &');
  await guest.console('serial1').waitFor(/^\S+ s 0/m, { from: answersFrom });
  await guest.execute('killall tail');
  expect(await held).toEqual({ exitCode: 0, stdout: 'begun\n', stderr: '' });
  expect((await guest.execute('tail -f /dev/null >/dev/null &')).exitCode).toBe(0);
});
