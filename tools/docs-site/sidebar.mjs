/** The sidebar of the site, without the API reference. Every page is in it, see sidebar.test.ts. */
export const sidebar = [
  {
    text: 'Start',
    items: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'The playground', link: '/playground' },
      { text: 'The library', link: '/library' },
      { text: 'Machine options', link: '/options' },
      { text: 'Tests of guests', link: '/testing' },
      { text: 'API reference', link: '/api/' },
    ],
  },
  {
    text: 'Understand',
    items: [
      { text: 'What survives what', link: '/durability' },
      { text: 'Architecture', link: '/architecture' },
      { text: 'State files', link: '/state-files' },
      { text: 'The state server', link: '/state-server' },
      { text: 'How Holdfast uses v86', link: '/v86' },
      { text: 'Limits', link: '/limits' },
      { text: 'Benchmarks', link: '/benchmarks' },
      { text: 'Compatibility', link: '/compatibility' },
      { text: 'Glossary', link: '/glossary' },
    ],
  },
  {
    text: 'Operate',
    items: [
      { text: 'Headers for hosts', link: '/headers' },
      { text: 'Installing the state server', link: '/state-server-installation' },
      { text: 'Security', link: '/security' },
    ],
  },
  {
    text: 'Specifications',
    items: [
      { text: 'vmstate', link: '/spec/vmstate' },
      { text: 'State file', link: '/spec/state-file' },
      { text: 'Memory that arrives later', link: '/spec/lazy-memory' },
      { text: 'Keeper lookup', link: '/spec/keeper-lookup' },
      { text: 'Storage', link: '/spec/storage' },
      { text: 'Migration', link: '/spec/migration' },
      { text: 'Sending', link: '/spec/send' },
    ],
  },
  {
    text: 'Project',
    items: [
      { text: 'Decisions', link: '/adr/' },
      { text: 'Contributing', link: '/contributing' },
      { text: 'Changelog', link: '/changelog' },
      { text: 'Third-party software', link: '/third-party' },
    ],
  },
];
