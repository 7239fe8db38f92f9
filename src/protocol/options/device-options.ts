/** Rows of devices, with the settings of keyboard, network and share. */
import { type KeyboardLayout, keyboardLayouts } from '../keyboard-layout-names.ts';
import { cpu, share } from './compound-kinds.ts';
import { allowedRelay, networkBackend, relayBackend } from './network-kinds.ts';
import { choice, number, type OptionRows, urlSwitch } from './row-parts.ts';
import { macAddress, oneOf, onOff, powerOfTwoMiB, wholeNumber } from './simple-kinds.ts';
import { allowedSwitch, asIs, asNumber, asSwitch } from './text-values.ts';

const layoutWords: Record<KeyboardLayout, string> = {
  us: 'US English',
  gb: 'UK English',
  de: 'German',
  ch: 'Swiss German',
  fr: 'French',
  be: 'Belgian',
  es: 'Spanish',
  it: 'Italian',
  pt: 'Portuguese',
  'pt-br': 'Brazilian Portuguese (ABNT2)',
  se: 'Swedish',
  no: 'Norwegian',
  dk: 'Danish',
  jp: 'Japanese',
};

export const deviceOptions = {
  filesystem9p: {
    ...share,
    help: 'the 9p share `host9p`, by default an empty one',
    url: [
      urlSwitch('filesystem'),
      {
        name: 'filesystem.basefs',
        help: [
          'fs.json',
          'the files of the 9p share: an index of v86’s fs2json; filesystem.baseurl is their folder',
        ],
      },
      { name: 'filesystem.baseurl' },
    ],
    fields: [
      {
        label: 'Shared folder',
        control: { kind: 'folder' },
        hint: 'its files are copied into the 9p share “host9p”',
      },
      {
        label: '9p share',
        control: choice(['', 'With one'], ['off', 'Without']),
        place: 'advanced',
      },
    ],
    inStateFile: 'required',
  },
  networkBackend: {
    ...networkBackend,
    help: 'the network that the device is connected to, by default none',
    url: [
      {
        name: 'relay_url',
        fromText: relayBackend,
        allowed: allowedRelay,
        help: [
          'fetch',
          'the network: fetch, inbrowser, or a relay at wss:// (Ethernet frames) or wisps://',
        ],
      },
    ],
    fields: [
      {
        label: 'Network',
        control: {
          kind: 'target',
          label: 'Address or name for the network',
          choices: [
            ['', 'Not connected'],
            [
              'fetch',
              'The web, through fetch',
              {
                placeholder: 'CORS proxy, where needed: https://…',
                allowed: 'without an address, or with the http:// or https:// one of a CORS proxy',
              },
            ],
            [
              'wisp',
              'The internet, through a wisp server',
              {
                placeholder: 'wisps://relay.example/',
                allowed: 'an address with wisp://, wisps://, ws:// or wss://',
              },
            ],
            [
              'inbrowser',
              'Machines of this browser (hub)',
              { placeholder: 'name of the hub', allowed: 'a hub with a name' },
            ],
            [
              'wsproxy',
              'An Ethernet relay (WebSocket)',
              {
                placeholder: 'wss://relay.example/',
                allowed: 'an address with ws:// or wss://',
              },
            ],
          ],
        },
      },
    ],
    inStateFile: 'optional',
  },
  vgaMemoryMiB: {
    ...powerOfTwoMiB,
    help: 'memory of the VGA, by default 8',
    url: [
      { name: 'vram', fromText: asNumber, help: ['16', 'memory of the VGA in MiB: 1, 2, 4 … 256'] },
    ],
    fields: [{ label: 'VGA memory', control: { ...number('8'), unit: 'MiB' }, place: 'advanced' }],
    inStateFile: 'required',
  },
  network: {
    ...oneOf(['none', 'ne2k', 'virtio'], "'none', 'ne2k' or 'virtio'"),
    help: 'the network device, by default an NE2000',
    url: [
      {
        name: 'net_device_type',
        fromText: asIs,
        help: ['virtio', 'the network device: none, ne2k or virtio; mac its address'],
      },
    ],
    fields: [
      {
        label: 'Network card',
        control: choice(['', 'NE2000'], ['virtio', 'virtio'], ['none', 'None']),
        place: 'advanced',
      },
    ],
    inStateFile: 'required',
  },
  mac: {
    ...macAddress,
    help: 'the address of the network device, by default a random one',
    url: [{ name: 'mac', fromText: asIs }],
    fields: [
      {
        label: 'MAC address',
        name: 'Network address (MAC)',
        control: { kind: 'text', size: 20, placeholder: 'random' },
        place: 'advanced',
      },
    ],
    inStateFile: 'optional',
  },
  serialPorts: {
    ...wholeNumber(1, 4),
    help: 'serial ports, by default 2; the agent of the demo guest listens on the second',
    url: [
      {
        name: 'serial_ports',
        fromText: asNumber,
        help: [
          '4',
          'serial ports, 1 to 4; virtio_console=0 and filesystem=0 leave those devices out',
        ],
      },
    ],
    fields: [{ label: 'Serial ports', control: number('2'), place: 'advanced' }],
    inStateFile: 'optional',
  },
  virtioConsole: {
    ...onOff,
    help: 'a virtio console, by default true',
    url: [urlSwitch('virtio_console')],
    fields: [
      {
        label: 'virtio console',
        control: choice(['', 'With one'], ['off', 'Without']),
        place: 'advanced',
      },
    ],
    inStateFile: 'required',
  },
  sound: {
    ...onOff,
    help: 'enables the sound of Sound Blaster 16 and PC speaker, by default false',
    url: [urlSwitch('sound', ['1', 'what it plays can be heard: Sound Blaster 16 and PC speaker'])],
    fields: [
      {
        label: 'Sound',
        control: { kind: 'checkbox', words: 'Sound Blaster 16 and PC speaker can be heard' },
        place: 'advanced',
      },
    ],
    inStateFile: 'optional',
  },
  keyboardLayout: {
    ...oneOf(keyboardLayouts, `one of ${keyboardLayouts.join(', ')}`),
    help: 'the keyboard layout that the guest uses, by default `us`; pasted text is typed with its keys',
    url: [
      {
        name: 'keyboard',
        fromText: asIs,
        help: ['de', 'the keyboard layout that the guest uses; pasted text is typed with its keys'],
      },
    ],
    fields: [
      {
        label: 'Keyboard',
        control: choice(
          ['', layoutWords.us],
          ...keyboardLayouts
            .slice(1)
            .map((layout): [string, string] => [layout, layoutWords[layout]]),
        ),
        hint: 'what the guest is set to: pasted text is typed for it',
        place: 'advanced',
      },
    ],
    inStateFile: 'known',
  },
  acpi: {
    ...onOff,
    help: 'power management and a power button, by default false',
    url: [urlSwitch('acpi', ['1', 'with power management'])],
    fields: [
      {
        label: 'ACPI',
        control: choice(['', 'Off'], ['on', 'On: power button, power management']),
        place: 'advanced',
      },
    ],
    inStateFile: 'required',
  },
  cpu: {
    ...cpu,
    help: 'the highest leaf of CPUID, and whether guest code is compiled',
    url: [
      {
        name: 'cpuid_level',
        fromText: (digits) => ({ cpuidLevel: asNumber(digits) }),
        allowed: 'a whole number from 1 to 22',
        help: [
          '2',
          'the highest leaf of CPUID, for old guests; disable_jit=1 interprets everything',
        ],
      },
      {
        name: 'disable_jit',
        fromText: (value) => {
          const isOff = asSwitch(value);
          if (isOff === true) return { jit: false };
          return isOff === false ? undefined : value;
        },
        allowed: allowedSwitch,
      },
    ],
    fields: [
      {
        label: 'CPUID level',
        member: 'cpuidLevel',
        control: { ...number(), placeholder: 'v86’s' },
        hint: '2 for Windows NT 4',
        allowed: 'a whole number from 1 to 22',
        place: 'advanced',
      },
      {
        label: 'Compiler (JIT)',
        name: 'Compiler',
        member: 'jit',
        control: choice(['', 'On'], ['off', 'Off: everything is interpreted']),
        place: 'advanced',
      },
    ],
    inStateFile: 'optional',
  },
} satisfies OptionRows;
