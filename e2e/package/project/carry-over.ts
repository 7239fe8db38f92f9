import { collectBlob, type Machine, packageAssets, StateFile } from 'holdfast';

/** Moves a guest through a state file and back, and checks what the guest of the file has kept. */
export async function carryOver(machine: Machine): Promise<string[]> {
  const shell = async (code: string) => (await machine.execute(code)).stdout.trim();
  const startSource = machine.status?.startSource?.kind ?? 'unknown';
  await shell('echo kept >/tmp/note');
  const file = await collectBlob(machine.exportState({ title: 'A note' }));
  await shell('rm /tmp/note');
  const [runtime] = packageAssets.runtimes;
  if (!runtime) throw new Error('The package ships no runtime.');
  const state = await StateFile.read(file);
  await machine.openState(state, { runtime, replace: true });
  return [
    startSource,
    state.info.title,
    await shell('cat /tmp/note'),
    machine.status?.config.name ?? '',
  ];
}
