/** Questions about what a state reaches, before any of it is reached. */
import type { StateFileInfo, StateUrl } from '../../index.ts';
import { networkLines } from '../address/url-network.ts';
import { askApproval } from '../ui/approval.tsx';
import { formatBytes } from '../ui/format.ts';

type AskedState = Pick<StateFileInfo, 'title' | 'thumbnail'>;

const fileLabels: Record<Exclude<StateUrl['purpose'], 'network'>, string> = {
  base: 'Builds on',
  memory: 'Memory',
  bios: 'BIOS',
  vgaBios: 'VGA BIOS',
  bzImage: 'Kernel',
  initrd: 'Initial RAM disk',
  multiboot: 'Kernel',
  hda: 'Disk hda',
  hdb: 'Disk hdb',
  cdrom: 'CD',
  fda: 'Floppy fda',
  fdb: 'Floppy fdb',
};

/** Asks one question for all fetches and connections. None is made before. */
export function askFor(info: AskedState, reached: readonly StateUrl[]): Promise<boolean> {
  const [first] = reached;
  if (first?.purpose === 'memory') return askForMemory(info, first.sizeBytes ?? 0);
  const hasNetwork = reached.some(({ purpose }) => purpose === 'network');
  const hasFiles = reached.some(({ purpose }) => purpose !== 'network');
  const files = 'These servers are asked for files, and learn that you did.';
  const network = 'What runs in the machine reaches others over the network, from this browser.';
  return askApproval({
    title: hasNetwork ? 'This state comes with a network' : 'This state needs what is elsewhere',
    text: `${[hasFiles && files, hasNetwork && network].filter(Boolean).join(' ')} ${hasFiles ? 'The author of the state chose them.' : 'The author of the state chose the network.'}`,
    picture: info.thumbnail,
    items: [
      { what: 'State', value: info.title },
      ...reached.flatMap((one) => (one.purpose === 'network' ? networkLines(one) : [])),
      ...reached.flatMap((one) =>
        one.purpose === 'network' ? [] : [{ what: fileLabels[one.purpose], value: one.url }],
      ),
    ],
    ok: hasNetwork ? 'Connect and open' : 'Fetch and open',
  });
}

function askForMemory(info: AskedState, sizeBytes: number): Promise<boolean> {
  return askApproval({
    title: 'This state is unusually large',
    text: 'It unpacks to more than what is opened without a question. A browser that runs out of memory closes pages, and ends the machines in them.',
    picture: info.thumbnail,
    items: [
      { what: 'State', value: info.title },
      {
        what: 'May take',
        value: `${formatBytes(sizeBytes)} of memory, besides the machine’s own`,
        isOurs: true,
      },
    ],
    ok: 'Open it anyway',
  });
}
