/** Example: a guest in plain Node, without a browser. `node --test plain-node.mjs` */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createMachine, demoLinux, packageAssets } from 'holdfast/node';

/** For a busy computer. */
const timeoutMs = 120_000;
let folder;
let machine;

const succeed = async (code, on = machine) => {
  const { exitCode, stdout } = await on.execute(code, { timeoutMs });
  assert.equal(exitCode, 0, stdout);
  return stdout;
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guest-'));
  machine = await createMachine(demoLinux);
  await machine.console().waitFor(/holdfast:~# /, { timeoutMs });
});

after(async () => {
  machine?.close();
  await rm(folder, { recursive: true });
});

test('commands run in the guest, and files go in and out', async () => {
  assert.match(await succeed('uname -a'), /^Linux holdfast/);
  await machine.filesWrite('numbers', new TextEncoder().encode('3\n1\n2\n'));
  await succeed('sort /mnt/numbers >/mnt/sorted');
  assert.equal(new TextDecoder().decode(await machine.filesRead('sorted')), '1\n2\n3\n');
});

test('a CD is a file of this computer, read as the guest reads it', async () => {
  const image = join(folder, 'cd.iso');
  await writeFile(image, Buffer.alloc(1 << 20, 'on the CD '));
  await machine.changeMedia('cdrom', { url: pathToFileURL(image).href, load: 'range' });
  assert.equal(await succeed('head -c 9 /dev/sr0'), 'on the CD');
  // The file would be missing where the state is opened.
  const state = new Response(machine.exportState());
  await assert.rejects(state.arrayBuffer(), { code: 'bad-config' });
  await machine.ejectMedia('cdrom');
});

test('its console is a stream', async () => {
  const from = machine.console().end;
  await machine.console().write('echo $((6*7))\n');
  let said = '';
  for await (const bytes of machine.console().readable({ from })) {
    said += new TextDecoder().decode(bytes);
    if (/\n42\r\n/.test(said)) break;
  }
  assert.match(await machine.screenText(), /holdfast:~#/);
});

test('it goes back to a snapshot, and moves to another emulator', async () => {
  const snapshot = await machine.snapshot();
  await succeed('touch /tmp/later');
  await machine.restore(snapshot);
  await succeed('[ ! -e /tmp/later ]');
  const [, older] = packageAssets.runtimes;
  const { v86Version } = await machine.restart({ runtime: older });
  assert.equal(machine.status.v86Version, v86Version);
  await succeed('true');
});

test('its devices are saved and loaded, with its memory where it is', async () => {
  const { bytes } = await machine.cprSave({ kind: 'bytes' }, { mode: 'restart' });
  assert.equal(machine.status.runstate, 'inmigrate');
  await machine.cprLoad({ kind: 'bytes', bytes });
  await succeed('true');
});

test('all of it goes into a file, and resumes as a machine of its own', async () => {
  await succeed('echo kept >/tmp/note');
  const path = join(folder, 'guest.state');
  await writeFile(path, machine.exportState());
  const copy = await createMachine(demoLinux);
  try {
    const [runtime] = packageAssets.runtimes;
    const approve = () => true;
    await copy.openState(pathToFileURL(path), { runtime, replace: true, approve });
    assert.equal(await succeed('cat /tmp/note', copy), 'kept\n');
  } finally {
    copy.close();
  }
});

test('calls that need a browser are refused', async () => {
  const isTyped = (code, message) => (error) => error.code === code && message.test(error.message);
  const durable = createMachine({ ...demoLinux, durable: true });
  await assert.rejects(durable, isTyped('bad-config', /"durable" may be given only in a browser/));
  await assert.rejects(machine.checkpoint(), isTyped('storage-unavailable', /stored machines/));
  const missing = createMachine({ ...demoLinux, cdrom: { path: 'missing.iso' } });
  await assert.rejects(missing, isTyped('image-unavailable', /missing\.iso, .* is not there/));
});
