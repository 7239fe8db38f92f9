import { connect, createMachine, packageAssets } from 'holdfast';

const machine = await createMachine({
  bzImage: 'linux/bzImage',
  initrd: 'linux/initrd.lz4',
  cmdline: 'console=ttyS0 console=tty0 quiet tsc=reliable mitigations=off',
  filesystem9p: { index: 'share/fs.json' },
});
await machine.console().waitFor(/holdfast:~# /);
Object.assign(window, {
  machine,
  connect,
  assets: packageAssets,
  runtimes: packageAssets.runtimes,
});
