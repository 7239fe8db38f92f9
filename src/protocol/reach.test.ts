import { expect, test } from 'vitest';
import { defaultConfig, type NetworkBackend } from './config.ts';
import { reachOf, toBeAsked } from './reach.ts';

const site = 'https://example.org/play/';
const firmware = { bios: { url: `${site}a` }, vgaBios: { url: `${site}b` } };
const reachOfNetwork = (networkBackend: NetworkBackend) =>
  reachOf({ ...defaultConfig, ...firmware, networkBackend }, site).slice(2);

test.each<[NetworkBackend, string[]]>([
  [{ kind: 'fetch' }, ['fetch ']],
  // v86 appends the encoded address, which "#" swallows: exact requests to the page's own server.
  [{ kind: 'fetch', corsProxy: `${site}any/path#` }, [`fetch ${site}any/path#`]],
  [{ kind: 'inbrowser', group: '0' }, ['inbrowser ']],
  [
    { kind: 'wisp', url: 'wss://example.org/wisp/' },
    ['wisp wss://example.org/wisp/', 'wisp https://cloudflare-dns.com/dns-query'],
  ],
  [
    { kind: 'wisp', url: 'wisps://example.org/', dohServer: 'dns.example:8443' },
    ['wisp wisps://example.org/', 'wisp https://dns.example:8443/dns-query'],
  ],
  [{ kind: 'wsproxy', url: 'wss://relay.example.com/' }, ['wsproxy wss://relay.example.com/']],
  [{ kind: 'wsproxy', url: 'wss://example.org:8443/' }, ['wsproxy wss://example.org:8443/']],
  [{ kind: 'wsproxy', url: 'wss://example.org/relay' }, []],
  [{ kind: 'none' }, []],
])(
  "every network but a relay of the page’s own server needs the visitor's yes: %j",
  (backend, asked) => {
    expect(toBeAsked(reachOfNetwork(backend)).map(({ kind, url }) => `${kind} ${url}`)).toEqual(
      asked,
    );
  },
);

test('every image, disk and firmware that has an address is named', () => {
  const url = 'https://other.example/x';
  const names = [
    'bios',
    'vgaBios',
    'bzImage',
    'initrd',
    'multiboot',
    'hda',
    'hdb',
    'cdrom',
    'fda',
    'fdb',
  ];
  const config = Object.fromEntries(names.map((name) => [name, { url }]));
  expect(
    toBeAsked(reachOf(config, site))
      .map(({ purpose }) => purpose)
      .sort(),
  ).toEqual(names.sort());
});
