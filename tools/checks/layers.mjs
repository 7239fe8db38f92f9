/**
 * Which folder may import which: the rules of dependency-cruiser. A layer names what it may import
 * beside itself; everything else is an error. Tests (`*.test.ts`, `testing/`) may
 * import anything.
 */

const tests = '\\.test\\.tsx?$|(^|/)testing/';

/** Needs Node, or serves the tests of all layers. */
const testSupportOfTools = '^tools/(endless-server|lab-runtime|range-server|slow-timeout)\\.ts$';

/**
 * `may`: the layers that a layer imports. `why` is what the error says.
 * @type {Record<string, { path: string, may: string[], why: string }>}
 */
export const layers = {
  errors: {
    path: '^src/errors\\.ts$',
    may: [],
    why: 'src/errors.ts stands below every layer: move what it needs into it.',
  },
  protocol: {
    path: '^src/protocol/',
    may: ['errors'],
    why: 'src/protocol is the boundary of page, keeper and runtime: move what it needs into src/protocol.',
  },
  vmstate: {
    path: '^src/vmstate/',
    may: ['errors'],
    why: 'src/vmstate is a pure format: pass what it needs as an argument.',
  },
  store: {
    path: '^src/store/',
    may: ['errors', 'protocol', 'vmstate'],
    why: 'src/store knows records, not guests: pass what it needs as an argument.',
  },
  runtime: {
    path: '^src/runtime/',
    may: ['errors', 'protocol', 'vmstate'],
    why: 'The runtime reaches its keeper through the host of src/protocol/abi.ts: add a call there.',
  },
  keeper: {
    path: '^src/keeper/',
    may: ['errors', 'protocol', 'vmstate', 'store'],
    why: 'The keeper is an ABI and stays small: it reaches the runtime through src/protocol/abi.ts.',
  },
  pc: {
    path: '^src/pc/',
    may: ['errors', 'protocol'],
    why: 'src/pc knows what a PC is and nothing else: move the rest to its user.',
  },
  'state-file': {
    path: '^src/state-file/',
    may: ['errors', 'protocol', 'vmstate', 'store'],
    why: 'src/state-file is a format: pass what it needs as an argument.',
  },
  monitor: {
    path: '^src/monitor/',
    may: ['errors', 'protocol', 'pc'],
    why: 'A monitor command works on the MonitorMachine that it is given: add a call to src/monitor/monitor-machine.ts.',
  },
  client: {
    path: '^src/client/',
    may: ['errors', 'protocol', 'state-file', 'pc', 'build'],
    why: 'The client reaches the keeper through src/protocol: add a call to src/protocol/keeper-calls.ts.',
  },
  library: {
    path: '^src/index\\.ts$',
    may: ['errors', 'protocol', 'client', 'monitor', 'pc', 'state-file'],
    why: 'src/index.ts names what the library exports: put logic into src/client.',
  },
  view: {
    path: '^src/view/',
    may: ['errors', 'protocol', 'client', 'pc'],
    why: 'src/view shows a guest in whatever page: pass what it needs as an argument.',
  },
  'packages/browser': {
    path: '^src/packages/(browser|element)/',
    may: ['errors', 'protocol', 'client', 'library', 'pc', 'view', 'build'],
    why: 'The element and the library are built on src/client and src/view: add what is missing there.',
  },
  'packages/node': {
    path: '^src/packages/node/',
    may: ['errors', 'protocol', 'client', 'library', 'state-file', 'pc', 'build'],
    why: 'The package for Node is a client: add what is missing to src/client.',
  },
  'packages/playwright': {
    path: '^src/packages/playwright/',
    may: ['errors', 'protocol', 'client', 'library', 'packages/node', 'build'],
    why: 'The fixtures are a client: add what is missing to src/client.',
  },
  playground: {
    path: '^src/playground/',
    may: [
      'errors',
      'protocol',
      'client',
      'library',
      'monitor',
      'pc',
      'state-file',
      'view',
      'build',
    ],
    why: 'The playground reaches the guest through src/client: add what is missing there.',
  },
  server: {
    path: '^src/server/',
    may: [],
    why: 'The state server is deployed by itself: copy the constant, or pass it as an option.',
  },
  workers: {
    path: '^workers/',
    may: ['errors', 'protocol', 'runtime', 'keeper', 'store', 'state-file', 'build'],
    why: 'workers/ holds the entry points of keeper and runtime: put logic into src/keeper or src/runtime.',
  },
  build: {
    path: '^src/build\\.d\\.ts$',
    may: ['client', 'protocol'],
    why: 'src/build.d.ts only declares what the build tools add.',
  },
};

/**
 * Packages that belong to one place.
 * @type {{ name: string, package: string, only: string, why: string }[]}
 */
export const packages = [
  {
    name: 'v86',
    package: '^node_modules/v86|^v86|/libv86',
    only: '^src/runtime/',
    why: 'Only src/runtime touches v86: add what is missing to the runtime.',
  },
  {
    name: 'comlink',
    package: '^(node_modules/)?comlink($|/)',
    only: '^src/(protocol|packages/node)/',
    why: 'Only src/protocol touches Comlink: use the typed calls that it exports.',
  },
  {
    name: 'xterm',
    package: '^(node_modules/)?@xterm/',
    only: '^src/(playground|view|packages/element)/',
    why: 'Only views touch xterm.js.',
  },
  {
    name: 'idb',
    package: '^(node_modules/)?idb($|/)',
    only: '^src/(store|packages/node)/',
    why: 'Only src/store touches idb: add a call to the store.',
  },
  {
    name: 'valibot',
    package: '^(node_modules/)?valibot($|/)',
    only: '^src/(protocol/options|state-file)/',
    why: 'Options are checked in one place: add what is missing to src/protocol/options.',
  },
  {
    name: 'playwright',
    package: '^(node_modules/)?@playwright/',
    only: '^src/packages/playwright/',
    why: 'Only the fixtures touch Playwright.',
  },
  {
    name: 'server-tests',
    package: '^(node_modules/)?(s3rver|vitest)($|/)',
    only: '^$',
    why: 'Only tests use it: move the code that needs it into testing/.',
  },
];

/** @param {string[]} names */
const pathsOf = (names) => names.map((name) => layers[name]?.path ?? '');

const shipped = '^(src|workers)/';

export default {
  forbidden: [
    ...Object.entries(layers).map(([name, { path, may, why }]) => ({
      name: `layer-${name.replace('/', '-')}`,
      comment: why,
      severity: 'error',
      from: { path, pathNot: tests },
      to: { path: '^(src|workers|tools|e2e|server)/', pathNot: pathsOf([name, ...may]) },
    })),
    ...packages.map(({ name, package: path, only, why }) => ({
      name: `package-${name}`,
      comment: why,
      severity: 'error',
      from: { path: shipped, pathNot: [tests, only] },
      to: { path },
    })),
    {
      name: 'no-node-in-browser',
      comment: 'Code of the browser has no Node: use what the web platform has.',
      severity: 'error',
      from: { path: shipped, pathNot: [tests, '^src/(server|packages/(node|playwright))/'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-options-in-workers',
      comment:
        'The table of machine options is large, and keeper and runtime check what they are given by themselves.',
      severity: 'error',
      from: { path: ['^workers/', '^src/(keeper|runtime|store)/'], pathNot: tests },
      to: { path: '^src/protocol/options/' },
    },
    {
      name: 'no-circle',
      comment:
        'A circle of imports: move what both need into a file of its own, or pass it as an argument.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'testing-only-from-tests',
      comment: 'Test support is for tests: move what production needs out of it.',
      severity: 'error',
      from: { path: '^(src|workers|tools)/', pathNot: tests },
      to: { path: ['(^|/)testing/', testSupportOfTools] },
    },
    {
      name: 'no-unresolved',
      comment: 'The import leads nowhere: correct its path, or add the package to package.json.',
      severity: 'error',
      from: { path: shipped },
      to: { couldNotResolve: true, pathNot: ['^virtual:', '^v86-package$'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Nothing imports a test, and a test may import anything.
    exclude: {
      path: ['\\.test\\.tsx?$', '^e2e/package/project/', '^(dist|dist-lib|dist-server|dist-docs)/'],
    },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['import', 'node', 'types', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
};
