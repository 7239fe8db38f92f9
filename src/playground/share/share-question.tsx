/** The question before a machine is shared: the way, the title, and the contents. */
import { driveNames, type MachineConfig } from '../../protocol/config.ts';
import { describeOptions } from '../../state-file/v86-state-options.ts';
import { formatBytes } from '../ui/format.ts';
import { type Choice, Choices } from './choices.tsx';
import { linkStateBytes } from './link.ts';
import type { ShareWay } from './share-machine.ts';
import type { StateServer } from './state-server.ts';

export interface ShareQuestionProps {
  config: MachineConfig;
  server: StateServer | undefined;
  title: string;
  /** `send`: the running machine itself. */
  way: ShareWay | 'send';
  setTitle(title: string): void;
  setWay(way: ShareWay | 'send'): void;
}

export function ShareQuestion(props: ShareQuestionProps) {
  const { config, server, title, way: chosen, setTitle, setWay } = props;
  return (
    <>
      <p class="share-title-row">
        <label>
          Title
          <input
            maxLength={200}
            autocomplete="off"
            defaultValue={title}
            onInput={({ currentTarget }) => setTitle(currentTarget.value)}
          />
        </label>
      </p>
      <Choices
        name="way"
        legend="As"
        choices={waysToShare(config, server)}
        chosen={chosen}
        choose={setWay}
      />
      <div class="blockers">
        <p>
          It holds <strong>everything in the machine</strong>, for everyone who gets it:
        </p>
        <ul>
          {contentsOf(config).map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </div>
    </>
  );
}

/** Ways to share the machine, the best first. */
export function waysToShare(
  config: MachineConfig,
  server: StateServer | undefined,
): Choice<ShareWay | 'send'>[] {
  const { openedFrom } = config;
  const disk = (['hda', 'hdb'] as const).find((name) => config[name]);
  return [
    {
      value: 'upload',
      label: 'a link',
      detail: server ? uploadDetail(server) : 'This site has no state server.',
      isPossible: server !== undefined,
    },
    {
      value: 'send',
      label: 'running, to another device',
      detail: sendDetail(server),
      isPossible: server?.hasRooms === true && isSecureContext,
    },
    {
      value: 'link',
      label: 'a link that holds the state itself',
      detail: openedFrom
        ? `For small changes, up to ${formatBytes(linkStateBytes)}. Nothing is uploaded; the link is long.`
        : 'Only for a machine that was itself opened from a state of this site.',
      isPossible: openedFrom !== undefined,
    },
    {
      value: 'file',
      label: 'a file',
      detail: 'You send it; others open it with “Open state file…”.',
      isPossible: true,
    },
    {
      value: 'v86',
      label: 'a state of v86 itself',
      detail: disk
        ? 'Only for a machine without hard disks: v86 would not find what was written to them.'
        : `A file for restore_state of v86, in a machine with ${v86Machine(config)}.`,
      isPossible: disk === undefined,
    },
  ];
}

function sendDetail(server: StateServer | undefined): string {
  if (!server) return 'This site has no state server.';
  if (!server.hasRooms) return 'The state server of this site passes no machines on.';
  if (!isSecureContext) return 'Only at an address with https:, or at localhost: it is encrypted.';
  return 'It moves there while it runs, and ends here; or you send a clone. Only the two devices can read it.';
}

const dayS = 24 * 3600;

function uploadDetail({ url, expireAfterS }: StateServer): string {
  const expires = expireAfterS
    ? `, where it is deleted after ${Math.round(expireAfterS / dayS)} days`
    : '';
  return `The state goes to ${new URL(url).host}${expires}. Everyone who has the link can open it.`;
}

function contentsOf(config: MachineConfig): string[] {
  const disks = driveNames.filter((name) => config[name]);
  return [
    `its memory, ${config.memoryMiB} MiB: also passwords and keys that programs hold there`,
    'what its screen and consoles show and have shown',
    'its random numbers: copies of a guest without an agent draw the same ones until they are booted again',
    ...(disks.length > 0 ? [`what was written to its disks: ${disks.join(', ')}`] : []),
    ...(config.filesystem9p ? ['the files in /mnt'] : []),
  ];
}

/** The v86 options of a machine that can load a state of this one. */
function v86Machine(config: MachineConfig): string {
  // A stored machine of an earlier release may lack the number of serial ports: it has one.
  const { serialPorts = 1 } = config;
  const drives = driveNames.filter((name) => config[name]).map((name) => `the image in ${name}`);
  return [...describeOptions({ ...config, serialPorts }), ...drives].join(', ');
}
