// What ESLint checks: the mistakes that types alone do not show, who may import whom, and that pure folders stay pure.
// Layout is prettier's business. There is no rule here about taste.
import js from '@eslint/js';
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';
import { boundariesConfig, PURE_FOLDERS, PURE_PACKAGES } from './scripts/layers.mjs';

const root = import.meta.dirname;

/** What a pure folder may not name, and where it gets that from instead. */
const IMPURE_GLOBALS = {
  Date: 'The time comes with the input of a step.',
  performance: 'The time comes with the input of a step.',
  setTimeout: 'A core says when it wants to be called again (nextDeadline); the shell calls it.',
  setInterval: 'A core says when it wants to be called again (nextDeadline); the shell calls it.',
  setImmediate: 'A core does all its work in step.',
  queueMicrotask: 'A core does all its work in step.',
  process: 'What a core needs to know comes in an input.',
  Buffer: 'A core works on strings, numbers and Uint8Array.',
  console: 'A core tells what happened in its effects; the shell logs.',
  crypto: 'Chance and ids come with the input of a step.',
  fetch: 'A core has no network.',
  require: 'A core imports other pure files only.',
};

/** Matches what is neither a relative path nor a package that only computes. */
const impurePackage = `^(?!\\.{1,2}/)(?!(${PURE_PACKAGES.map((name) => name.replaceAll('.', '\\.')).join('|')})$)`;

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      'dist/',
      '.dist-*/',
      '**/.ssmmp*/',
      'bench/results/',
      'coverage/',
      'runs/',
      'my-labs/',
      'grades/',
    ],
  },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { boundaries },
    ...boundariesConfig(root),
    files: ['*/**/*.{ts,mjs}'],
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'require', 'module', 'console', 'Buffer', 'SharedArrayBuffer', 'Atomics', 'setTimeout', 'clearTimeout', 'setInterval',
          'clearInterval', 'setImmediate', 'performance', 'URL', 'structuredClone'].map((name) => [name, 'readonly']),
      ),
    },
  }, // prettier-ignore
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { project: 'tsconfig.json', tsconfigRootDir: root } },
    rules: {
      // TypeScript itself sees these, and better.
      'no-undef': 'off',
      'no-unused-vars': 'off',
      'no-redeclare': 'off',
      'no-dupe-class-members': 'off',
      // A promise that nobody waits for loses its error, and the order of what follows.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      // Every case of a closed union is handled, so that a new one is found by the compiler.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, allowDefaultCaseForExhaustiveSwitch: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-base-to-string': 'error',
      '@typescript-eslint/restrict-plus-operands': 'error',
      '@typescript-eslint/no-for-in-array': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      // An error that is caught is handled, or said why not.
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-console': 'off',
      'no-control-regex': 'off', // refusing control characters is half of what a codec does
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: PURE_FOLDERS.map((folder) => `${folder}/**/*.ts`).concat('sim/**/*.ts'),
    rules: {
      'no-restricted-globals': [
        'error',
        ...Object.entries(IMPURE_GLOBALS).map(([name, message]) => ({ name, message: `${message} (pure folder)` })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Chance comes with the input of a step. (pure folder)' },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: impurePackage,
              message: `A pure folder may use of all packages only ${PURE_PACKAGES.join(', ')}.`,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'no-unused-expressions': 'off' }, // chai: expect(x).to.be.true
  },
);
