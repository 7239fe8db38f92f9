/** Every call of the package, each on a machine that supports it. */
import * as holdfast from 'holdfast';
import * as elements from 'holdfast/element';
import { covered, isA, original } from './coverage';

const { HoldfastError, StateFile, connect, createMachine, createMonitor } = covered(holdfast);
const { checkOptions, collectBlob, textOptions } = covered(holdfast);
const { sendMachine, receiveMachine } = covered(holdfast);
const { demoLinux, packageAssets, isMachineId, missingFeatures, defaultMachineId } =
  covered(holdfast);
const { cellFlag, defaultConfig, keyNames, keyboardLayouts } = covered(holdfast);
const { GuestElement, HoldfastGuest, guestAttributes } = covered(elements);

const [runtime, older] = packageAssets.runtimes;
if (!runtime || !older) throw new Error('The package brings one runtime only.');
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** @throws unless `actual` has this value */
function expect(what: string, actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/** Returns the error code that it rejects with. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof HoldfastError ? thrown.code : String(thrown);
}

async function first<T>(stream: AsyncIterable<T>): Promise<T> {
  for await (const value of stream) return value;
  throw new Error('The stream ends at once.');
}

function plainValues(): void {
  expect('checkOptions', checkOptions({ memoryMiB: 1 })[0]?.option, 'memoryMiB');
  expect('textOptions', textOptions([['MEMORYMIB', '64']]), { memoryMiB: 64 });
  expect('isMachineId', [isMachineId('a-1'), isMachineId('A')], [true, false]);
  expect('missingFeatures', missingFeatures(), []);
  expect('defaults', [defaultMachineId, typeof defaultConfig.memoryMiB], ['default', 'number']);
  expect('keys', [keyNames.includes('ret'), Object.keys(keyboardLayouts).length > 0], [true, true]);
  expect('cellFlag', typeof cellFlag, 'object');
  const error = HoldfastError.from(new Error('why'), 'internal', 'What');
  const parts = [error.code, error.phase ?? null, error.message];
  expect('HoldfastError', parts, ['internal', null, 'What: why']);
}

async function consoles(machine: holdfast.Machine): Promise<void> {
  const console = machine.console();
  expect('console', console.name, 'serial0');
  const from = console.end;
  await console.write('echo $((6*7))\n');
  await console.waitFor(/\n42\r/, { from });
  const writer = console.writable.getWriter();
  await writer.write('echo $((7*7))\n');
  await console.waitFor(/\n49\r/, { from });
  await machine.consoleInput('serial0', 'echo $((8*8))\n');
  await console.waitFor(/\n64\r/, { from });
  const said = text(await first(console.readable({ from })));
  expect('readable', said.includes('echo'), true);
  const { offset, again } = await first(console.chunks({ from }));
  expect('chunks', [offset, again], [from, false]);
  expect('iterator', (await first(console)).length > 0, true);
  expect('text', console.text(from).includes('64'), true);
  await machine.terminalSize('serial0', { cols: 91, rows: 31 });
  const size = async () => (await machine.execute('stty -F /dev/ttyS0 size')).stdout;
  for (;;) if ((await size()) === '31 91\n') break;
}

async function screenAndKeys(machine: holdfast.Machine): Promise<void> {
  await machine.type('echo typed');
  await machine.sendKey('ret');
  await machine.scancodes([0x1c, 0x9c]);
  for (;;) if (/^typed$/m.test(await machine.screenText())) break;
  await machine.keyboardLocks({ caps: true });
  await machine.scancodes([0x1e, 0x9e, 0x1c, 0x9c]);
  for (;;) if (/# A\s*$/m.test(await machine.screenText())) break;
  await machine.keyboardLocks({ caps: false });
  await machine.mouseDelta(1, 1);
  await machine.mouseAbsolute(1, 1, 2, 2);
  await machine.mouseButtons(false, false, false);
  await machine.mouseWheel(1);
  expect('screen', (await machine.screen()).mode, 'text');
  expect('screenshot', text((await machine.screenshot()).slice(1, 4)), 'PNG');
  expect('frames', (await first(machine.frames({ fps: 30 }))).width > 0, true);
  // The guest is silent: nothing arrives, and the stream can be cancelled.
  await machine.sound().cancel();
}

async function drivesAndFiles(machine: holdfast.Machine): Promise<void> {
  await machine.filesWrite('dir/file', new TextEncoder().encode('text'));
  expect('filesRead', text(await machine.filesRead('dir/file')), 'text');
  const names = (await machine.filesList('dir')).map(({ name }) => name);
  expect('filesList', names, ['file']);
  await machine.changeMedia('cdrom', { bytes: new Uint8Array(4096).fill(65) });
  const { stdout } = await machine.execute('head -c 3 /dev/sr0');
  expect('execute', stdout, 'AAA');
  let bytes = 0;
  for await (const part of machine.diskImage('cdrom')) bytes += part.length;
  expect('diskImage', bytes, 4096);
  await machine.ejectMedia('cdrom');
  expect(
    'infoBlock',
    (await machine.infoBlock()).some(({ device }) => device === 'cdrom'),
    true,
  );
  await machine.checkDisks();
  await machine.pause();
  await machine.resetDisk('fda');
  await machine.resume();
}

async function insides(machine: holdfast.Machine): Promise<void> {
  const block = (await machine.ramBlocks()).find(({ name }) => name === 'pc.ram');
  expect('ramBlocks', block !== undefined, true);
  await machine.writeMemory(0x500, await machine.readMemory(0x500, 4));
  expect('infoRegisters', typeof (await machine.infoRegisters()), 'object');
  expect('infoNetwork', typeof (await machine.infoNetwork()), 'object');
  expect('systemPowerdown', await refusal(machine.systemPowerdown()), 'bad-config');
  const monitor = createMonitor(machine);
  expect('monitor', (await monitor.execute('info status')).lines.length > 0, true);
  expect('complete', typeof (await monitor.complete('info st')), 'object');
  expect('history', monitor.history.lines, ['info status']);
}

async function network(machine: holdfast.Machine): Promise<void> {
  await machine.execute('until ifconfig eth0 | grep -q "inet addr"; do sleep 0.1; done');
  await machine.execute('echo over TCP | nc -l -p 9000 >/tmp/got 2>/dev/null &');
  await machine.execute('until netstat -ltn | grep -q ":9000 "; do sleep 0.1; done');
  const socket = await machine.connectTcp(9000);
  const reader = socket.readable.getReader();
  expect('connectTcp', text((await reader.read()).value ?? new Uint8Array()), 'over TCP\n');
  await socket.writable.close();
  socket.close();
  await socket.closed;
}

async function snapshotsAndUpdates(machine: holdfast.Machine): Promise<void> {
  const snapshot = await machine.snapshot();
  await machine.restore(snapshot);
  expect('snapshots', (await machine.snapshots()).length, 1);
  await machine.dropSnapshot(snapshot);
  await machine.suspend();
  await machine.wakeup();
  expect('cprBlockers', await machine.cprBlockers('restart'), []);
  await machine.cprSave({ kind: 'bytes' }, { mode: 'restart' });
  await machine.cprCancel();
  const saved = await machine.cprSave({ kind: 'bytes' }, { mode: 'restart' });
  if (!saved.bytes) throw new Error('Nothing was saved.');
  await machine.cprLoad({ kind: 'bytes', bytes: saved.bytes });
  await machine.restart({ runtime: older as holdfast.RuntimeSource });
  expect('restart', machine.status?.v86Version, older?.v86Version);
  expect('upgradeKeeper', await machine.upgradeKeeper(), null);
}

async function migration(machine: holdfast.Machine): Promise<void> {
  const { keeperUrl, runtimes } = packageAssets;
  const target = await connect({ keeperUrl, runtimes, machineId: 'api-target' });
  await machine.migrateSetParameters({ downtimeLimitMs: 30_000 });
  expect('migrationInfo', (await machine.migrationInfo()).status, 'none');
  expect('migrateContinue', await refusal(machine.migrateContinue()), 'bad-runstate');
  expect('migrateCancel', await refusal(machine.migrateCancel()), 'bad-runstate');
  const report = await machine.migrate(target);
  expect('migrate', [report.status, target.status?.runstate], ['completed', 'running']);
  const { port1, port2 } = new MessageChannel();
  const arriving = machine.migrateIncoming(port1, { runtimes });
  await target.migrate(port2, { downtimeLimitMs: 30_000 });
  expect('migrateIncoming', (await arriving).machineId, 'api');
  target.close();
  // This site has no relay.
  const relay = new URL('states/', document.baseURI);
  const page = document.baseURI;
  const sending = sendMachine(machine, { relay, page, confirm: () => 'continue' });
  expect('sendMachine', await refusal(sending), 'relay-unavailable');
  const receiving = receiveMachine(machine, 'a link', { relay, runtimes, accept: () => true });
  expect('receiveMachine', await refusal(receiving), 'bad-link');
}

async function storage(machine: holdfast.Machine): Promise<void> {
  const { storage } = machine;
  await machine.checkpoint();
  expect('persist', typeof (await storage.persist()), 'boolean');
  expect('usage', typeof (await storage.usage()), 'object');
  await storage.rename('api', 'API');
  const copy = await storage.duplicate('api', 'Copy');
  const stored = await storage.list();
  expect('list', stored.map(({ name }) => name).sort(), ['API', 'Copy']);
  expect('export', (await storage.export(copy, { kind: 'everything' })).missing, []);
  const file = await collectBlob(storage.exportState(copy));
  expect('stored state', await infoOf(file), [copy, 'undefined']);
  await storage.remove(copy);
  await machine.setDurable(false);
  await machine.setDurable(true);
  expect('watch', await refusal(machine.watch('nobody', { began() {}, gone() {} })), 'not-found');
  machine.unwatch();
  expect('watching', machine.watching, null);
}

async function infoOf(file: Blob): Promise<string[]> {
  const state = await StateFile.read(file);
  const { port1 } = new MessageChannel();
  port1.close();
  // A state of this size does not ask for more memory.
  state.onMore(() => false);
  const { guest } = await state.open();
  guest.close();
  state.close();
  return [state.info.machineId, String(state.signal)];
}

async function otherLives(machine: holdfast.Machine): Promise<void> {
  const state = await machine.exportV86State();
  const file = await collectBlob(machine.exportState());
  await machine.cprSave({ kind: 'store', name: 'aside' }, { mode: 'reboot' });
  expect(
    'states',
    (await machine.storage.states()).map(({ name }) => name),
    ['aside'],
  );
  await machine.cprLoad({ kind: 'store', name: 'aside' }, { runtime: runtime as never });
  await machine.storage.removeState('aside');
  const config = machine.status?.config;
  if (!config) throw new Error('There is no machine.');
  const open = (approve: boolean) =>
    machine.openState(file, {
      runtime: runtime as never,
      replace: true,
      identity: 'continuation',
      // Its guest reaches other sites over the network.
      approve: () => approve,
    });
  expect('approve', await refusal(open(false)), 'not-approved');
  await open(true);
  const { durable: _, networkBackend: _backend, ...described } = config;
  await machine.openV86State(state, described, runtime as never, { replace: true });
  await machine.reset();
  await machine.destroy();
  await machine.start(described, runtime as never, { replace: true });
  await machine.destroy();
}

async function element(): Promise<void> {
  const guest = new HoldfastGuest();
  expect(
    'element',
    [guest instanceof GuestElement, guestAttributes.includes('demo')],
    [true, true],
  );
  guest.setAttribute('autostart', 'off');
  guest.options = { ...demoLinux, machineId: 'api-element' };
  guest.muted = true;
  document.body.append(original(guest));
  const machine = await guest.start();
  expect(
    'element',
    [guest.machine === machine, guest.muted, guest.options.name],
    [true, true, 'Linux'],
  );
  expect('element', HoldfastGuest.observedAttributes.includes('view'), true);
  guest.remove();
  expect('removed', guest.machine, null);
}

/** @returns the calls that were made */
async function run(): Promise<string[]> {
  plainValues();
  const options = {
    ...demoLinux,
    fda: { emptyBytes: 1_474_560 },
    networkBackend: 'fetch',
  } as const;
  const machine = await createMachine({ ...options, machineId: 'api', durable: true });
  expect(
    'lifetime',
    [typeof machine.survivesReload, typeof machine.keeper.instanceId],
    ['boolean', 'string'],
  );
  machine.onLost((error) => console.error(error));
  machine.on('error', ({ message }) => console.error(message));
  await machine.execute('true');
  await consoles(machine);
  await screenAndKeys(machine);
  await drivesAndFiles(machine);
  await insides(machine);
  await network(machine);
  await storage(machine);
  await snapshotsAndUpdates(machine);
  await migration(machine);
  await otherLives(machine);
  const again = await connect({ keeperUrl: packageAssets.keeperUrl, machineId: 'api' });
  const gone = await refusal(again.resumeStored('nobody', { runtime: runtime as never }));
  expect('resumeStored', gone, 'not-found');
  again.close();
  machine.close();
  await element();
  return [...isA.called];
}

Object.assign(window, { run });
