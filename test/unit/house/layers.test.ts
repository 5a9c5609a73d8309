// Are forbidden imports found? A copy of the folders with one file each, and ESLint with the project's own rules on it.
//
// A rule that never speaks up looks just like a rule that is obeyed, so each direction is tried out here, both ways.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect } from 'chai';
import { ESLint } from 'eslint';
import type { Linter } from 'eslint';
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';
import { LAYERS, boundariesConfig } from '../../../scripts/layers.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** from, to, allowed. What the brief of the architecture says; the table in scripts/layers.mjs has to agree. */
const DIRECTIONS: ReadonlyArray<readonly [from: string, to: string, isAllowed: boolean]> = [
  ['ssmmp/machine', 'ssmmp/core', true],
  ['ssmmp/core', 'ssmmp/machine', false],
  ['ssmmp/core', 'ssmmp/shell', false],
  ['ssmmp/shell', 'ssmmp/machine', true],
  ['ssmmp/shell', 'manager/core', false],
  ['manager/core', 'ssmmp/core', true],
  ['manager/core/dialogues', 'manager/core', true],
  ['manager/core', 'ssmmp/shell', false],
  ['manager/core', 'manager/shell', false],
  ['manager/shell', 'manager/core', true],
  ['manager/shell', 'manager', false],
  ['manager', 'manager/shell', true],
  ['manager/core', 'agent/core', false],
  ['agent/shell', 'manager/shell', false],
  ['agent/core', 'services/kit/core', false],
  ['agent/shell', 'agent/core', true],
  ['services/kit/core', 'services/kit', false],
  ['services/kit/core', 'ssmmp/core', true],
  ['services/kit', 'services/kit/core', true],
  ['services/kit', 'services/login', false],
  ['services/login', 'services/kit', true],
  ['services/login', 'services/protocols', true],
  ['services/login', 'services/post', false],
  ['services/login', 'ssmmp/core', false],
  ['services/users-db', 'services/store', true],
  ['services/protocols', 'ssmmp/core', false],
  ['services/protocols', 'services/kit', false],
  ['cli-client', 'services/protocols', true],
  ['cli-client', 'ssmmp/core', false],
  ['operator', 'ssmmp/shell', true],
  ['operator', 'labs/runner', true],
  ['operator', 'load/shell', true],
  ['labs/runner/core', 'labs/runner/shell', false],
  ['labs/runner/shell', 'labs/runner/core', true],
  ['labs/runner/shell', 'operator', false],
  ['labs/00-a', 'labs/runner', true],
  ['labs/00-a', 'manager/core', false],
  ['load/shell', 'services/protocols', true],
  ['load/shell', 'ssmmp/core', false],
  ['load/core', 'load/shell', false],
  ['operator', 'manager/core', false],
  ['operator', 'test', false],
  ['manager/shell', 'labs/runner', false],
  ['bench', 'test', false],
  ['bench', 'services/kit', true],
  ['test', 'manager/core', true],
  ['new-folder', 'ssmmp/core', false],
];

describe('house: layers', function () {
  this.timeout(60_000);
  let folder = '';
  let eslint: ESLint;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-layers-'));
    for (const place of DIRECTIONS.flatMap(([from, to]) => [from, to])) {
      mkdirSync(join(folder, place), { recursive: true });
      writeFileSync(join(folder, place, 'x.ts'), 'export const x = 1;\n');
    }
    const config = {
      files: ['**/*.ts'],
      languageOptions: { parser: tseslint.parser },
      plugins: { boundaries },
      ...boundariesConfig(folder),
    };
    eslint = new ESLint({
      cwd: folder,
      overrideConfigFile: true,
      overrideConfig: [config as unknown as Linter.Config],
    });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [from, to, isAllowed] of DIRECTIONS) {
    it(`${from} ${isAllowed ? 'may' : 'may not'} import ${to}`, async () => {
      const target = relative(join(folder, from), join(folder, to, 'x.ts')).replaceAll('\\', '/');
      const path = target.startsWith('.') ? target : `./${target}`;
      for (const code of [
        `import { x } from '${path}';`,
        `import type { x } from '${path}';`,
        `export { x } from '${path}';`,
        `void import('${path}');`,
      ]) {
        const [result] = await eslint.lintText(code, { filePath: join(folder, from, 'y.ts') });
        const found = (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId}: ${message}`);
        if (isAllowed) expect(found, code).to.deep.equal([]);
        else expect(found.join('\n'), code).to.contain('boundaries/');
      }
    });
  }

  it('every folder of sources is a layer', async () => {
    const { readdirSync } = await import('node:fs');
    const ignored = new Set(['node_modules', 'dist', 'docs', 'runs', 'coverage']);
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !ignored.has(entry.name))
      .map((entry) => entry.name);
    const known = new Set(LAYERS.map((layer) => dirname(`${layer.folder}/x`).split('/')[0]));
    expect(
      folders.filter((name) => !known.has(name)),
      'add these to LAYERS in scripts/layers.mjs',
    ).to.deep.equal([]);
  });
});

describe('house: pure folders', function () {
  this.timeout(60_000);

  const IMPURE = [
    'export const x = Date.now();',
    'export const x = new Date(0);',
    'export const x = Math.random();',
    'setTimeout(() => undefined, 1);',
    'export const x = process.pid;',
    "export const x = Buffer.from('a');",
    "console.log('x');",
    "export { readFileSync } from 'node:fs';",
    "export * from 'pino';",
  ];

  it('clock, chance, timers, process, Buffer, console and Node are found, and pure code is left alone', async () => {
    // The types are not needed for these rules, and the text is no file of the project that the compiler could know.
    const eslint = new ESLint({
      cwd: ROOT,
      ruleFilter: ({ ruleId }) => ruleId.startsWith('no-restricted-'),
      overrideConfig: [{ files: ['**/*.ts'], languageOptions: { parserOptions: { project: null } } }],
    });
    const problems = async (code: string): Promise<number> => {
      const [result] = await eslint.lintText(code, { filePath: join(ROOT, 'ssmmp', 'core', 'probe.ts') });
      return result?.messages.length ?? 0;
    };
    for (const code of IMPURE) expect(await problems(code), code).to.equal(1);
    expect(await problems("import { z } from 'zod';\nexport const x = z.string();")).to.equal(0);
    expect(await problems("export { x } from './other.ts';")).to.equal(0);
  });
});
