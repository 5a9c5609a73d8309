// Who may import whom: the one table. ESLint checks it (eslint.config.js), and test/unit/house/layers.test.ts tries it out.
//
// A layer is a folder. What `mayImport` does not list is refused, so a new folder can do nothing until it stands here.
// The direction is: ssmmp/core <- every actor's core <- the same actor's shell <- its main. Actors never import each
// other; they meet as bytes on a connection. That is what lets a stranger's agent or Manager take the place of ours.

/** Packages that compute and nothing else, so that a pure layer may use them. */
export const PURE_PACKAGES = ['yaml', 'zod', 'ipaddr.js'];

/** Folders of services/ that are libraries for services, and no service themselves. */
const SERVICE_LIBRARIES = ['kit', 'protocols', 'store', 'passing', 'password'];

/**
 * In order: a file belongs to the first layer whose folder holds it. `pure`: no Node, no clock, no chance; such a layer is
 * in tsconfig.pure.json too.
 */
export const LAYERS = [
  { name: 'ssmmp-core', folder: 'ssmmp/core', pure: true, mayImport: [] },
  { name: 'ssmmp-machine', folder: 'ssmmp/machine', pure: true, mayImport: ['ssmmp-core'] },
  { name: 'ssmmp-shell', folder: 'ssmmp/shell', mayImport: ['ssmmp-core', 'ssmmp-machine'] },

  { name: 'manager-core', folder: 'manager/core', pure: true, mayImport: ['ssmmp-core', 'ssmmp-machine'] },
  { name: 'manager-shell', folder: 'manager/shell', mayImport: ['manager-core', 'ssmmp-*'] },
  { name: 'manager-main', folder: 'manager', mayImport: ['manager-*', 'ssmmp-*'] },

  { name: 'supervisor-core', folder: 'supervisor/core', pure: true, mayImport: ['ssmmp-core', 'ssmmp-machine'] },
  { name: 'supervisor-shell', folder: 'supervisor/shell', mayImport: ['supervisor-core', 'ssmmp-*'] },
  { name: 'supervisor-main', folder: 'supervisor', mayImport: ['supervisor-*', 'ssmmp-*'] },

  { name: 'agent-core', folder: 'agent/core', pure: true, mayImport: ['ssmmp-core', 'ssmmp-machine'] },
  { name: 'agent-shell', folder: 'agent/shell', mayImport: ['agent-core', 'ssmmp-*'] },
  { name: 'agent-main', folder: 'agent', mayImport: ['agent-*', 'ssmmp-*'] },

  { name: 'protocols', folder: 'services/protocols', pure: true, mayImport: [] },
  {
    name: 'kit-core',
    folder: 'services/kit/core',
    pure: true,
    mayImport: ['ssmmp-core', 'ssmmp-machine', 'protocols'],
  },
  { name: 'kit', folder: 'services/kit', mayImport: ['kit-core', 'ssmmp-*', 'protocols'] },
  { name: 'store', folder: 'services/store', mayImport: ['kit', 'protocols', 'ssmmp-shell'] },
  { name: 'passing', folder: 'services/passing', mayImport: ['kit', 'protocols'] },
  { name: 'password', folder: 'services/password', mayImport: [] },
  { name: 'gateway-core', folder: 'services/api-gateway/core', pure: true, mayImport: ['protocols'] },
  // Each service is a layer of its own (`{service}` is captured): it sees no other service.
  {
    name: 'service',
    folder: 'services/*',
    capture: ['service'],
    mayImport: [...SERVICE_LIBRARIES, 'gateway-core'],
  },

  { name: 'cli-client', folder: 'cli-client', mayImport: ['protocols'] },
  // A lab sees the runner's words (labs/runner/api.ts); the runner finds labs by folder and imports none.
  { name: 'lab-runner-core', folder: 'labs/runner/core', pure: true, mayImport: ['ssmmp-core', 'load-core'] },
  { name: 'lab-runner', folder: 'labs/runner', mayImport: ['lab-runner-core', 'ssmmp-*', 'load-core'] },
  {
    name: 'labs',
    folder: 'labs',
    mayImport: ['ssmmp-*', 'lab-runner', 'kit', 'protocols', 'store', 'passing', 'service', 'sim', 'sim-cli', 'museum'],
  },
  // The load generator knows the user protocol and nothing of SSMMP; only the command `ssmmp load` starts it.
  { name: 'load-core', folder: 'load/core', pure: true, mayImport: ['protocols'] },
  { name: 'load', folder: 'load', mayImport: ['load-core', 'protocols'] },
  // Faults: what a bad link does, what a fault is. The link process is a program of its own; the front (operator) starts it.
  { name: 'faults-core', folder: 'faults/core', pure: true, mayImport: ['ssmmp-core', 'ssmmp-machine'] },
  { name: 'faults', folder: 'faults', mayImport: ['faults-core', 'ssmmp-*'] },
  {
    name: 'operator',
    folder: 'operator',
    mayImport: ['ssmmp-*', 'lab-runner', 'lab-runner-core', 'load', 'load-core', 'faults-core'],
  },
  {
    name: 'sim',
    folder: 'sim',
    pure: true,
    mayImport: ['ssmmp-core', 'ssmmp-machine', 'manager-core', 'agent-core', 'kit-core', 'protocols'],
  },
  { name: 'sim-cli', folder: 'sim-cli', mayImport: ['sim'] },
  // Broken lines as data, and planting them in a copy of the sources; nothing of it is built.
  { name: 'museum', folder: 'museum', mayImport: ['scripts'] },
  { name: 'test', folder: 'test', mayImport: ['*'] },
  { name: 'bench', folder: 'bench', mayImport: ['!test'] },
  { name: 'scripts', folder: 'scripts', mayImport: ['ssmmp-core'] },
  { name: 'bin', folder: 'bin', mayImport: ['scripts'] },
];

/** The folders in which nothing may touch the outside world. */
export const PURE_FOLDERS = LAYERS.filter((layer) => layer.pure).map((layer) => layer.folder);

/** Settings and rules of eslint-plugin-boundaries made from the table. `root` is the folder that the layers are in. */
export function boundariesConfig(root) {
  return {
    settings: {
      'boundaries/root-path': root,
      'boundaries/elements': LAYERS.map(({ name, folder, capture }) => ({
        type: name,
        pattern: folder,
        partialMatch: false,
        ...(capture ? { capture } : {}),
      })),
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        { default: 'disallow', policies: LAYERS.flatMap(policiesOf), message: MESSAGE, checkInternals: false },
      ],
      'boundaries/no-unknown-dependencies': 'error',
      'boundaries/no-unknown-files': 'error',
    },
  };
}

const MESSAGE =
  '{{from.element.types.[0]}} may not import this: who may import whom stands in scripts/layers.mjs, and why in docs/architecture.md';

function policiesOf(layer) {
  const from = { element: { type: layer.name } };
  return [
    { from, allow: { to: { module: { origin: ['external', 'core'] } } } }, // packages: see eslint.config.js
    ...layer.mayImport.map((name) => ({ from, allow: { to: { element: { type: name } } } })),
  ];
}
