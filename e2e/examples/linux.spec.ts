/** Example: a Linux, tested from outside. Every test begins with the same freshly booted guest. */
import { expect, test } from 'holdfast/playwright';

test.use({
  guestOptions: {
    machine: { memoryMiB: 96, networkBackend: { kind: 'fetch' } },
    // Runs once a worker; every test finds its results.
    prepare: async (guest) => {
      await guest.copyIn(Buffer.from('<h1>It works</h1>\n'), '/srv/www/index.html');
      await guest.waitUntilSucceeds('ifconfig eth0 | grep "inet addr"');
    },
  },
});

test('files: what a test does to them, the next one does not see', async ({ guest }) => {
  await guest.succeed('rm -r /srv/www');
  await guest.waitUntilFails('test -e /srv/www');
});

test('files: they are copied in and out', async ({ guest }) => {
  await guest.copyIn(Buffer.from('one\ntwo\n'), '/tmp/lines');
  expect(await guest.succeed('wc -l </tmp/lines')).toBe('2\n');
  expect(String(await guest.copyOut('/srv/www/index.html'))).toContain('It works');
});

test('a package: an archive is unpacked, and its program runs', async ({ guest }, testInfo) => {
  await guest.succeed(
    `mkdir -p /tmp/pkg/usr/local/bin
     printf '#!/bin/sh\\necho "hello, $1"\\n' >/tmp/pkg/usr/local/bin/hello
     chmod +x /tmp/pkg/usr/local/bin/hello
     tar -C /tmp/pkg -czf /tmp/hello.tar.gz .`,
  );
  const archive = testInfo.outputPath('hello.tar.gz');
  await guest.copyOut('/tmp/hello.tar.gz', archive);

  await guest.copyIn(archive, '/root/hello.tar.gz');
  await guest.succeed('tar -C / -xzf /root/hello.tar.gz');
  expect(await guest.succeed('/usr/local/bin/hello world')).toBe('hello, world\n');
});

test('processes: one is started, found and ended', async ({ guest }) => {
  const pid = (await guest.succeed('sleep 1000 >/dev/null 2>&1 & echo $!')).trim();
  await expect(guest).toSucceed(`kill -0 ${pid}`);
  expect(await guest.succeed('ps')).toContain('sleep 1000');
  await guest.succeed(`kill ${pid}`);
  await guest.waitUntilFails(`kill -0 ${pid}`);
});

test('a web server: it is started, and answers the test, a browser and the guest', async ({
  guest,
  request,
  page,
}) => {
  await guest.succeed('httpd -p 8080 -h /srv/www');
  await guest.waitForPort(8080);
  const { url } = await guest.forwardPort(8080);
  const answer = await request.get(url);
  expect(await answer.text()).toBe('<h1>It works</h1>\n');
  expect((await request.get(`${url}missing`)).status()).toBe(404);
  await page.goto(url);
  await expect(page.getByRole('heading')).toHaveText('It works');
  expect(await guest.succeed('wget -q -O - http://127.0.0.1:8080/')).toContain('It works');
});

test('a user at the screen: a shell is typed to', async ({ guest }) => {
  await guest.type('echo "six times seven is $((6*7))"\n');
  await expect(guest).toShowText(/^six times seven is 42$/m);
});
