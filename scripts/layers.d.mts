// Types of layers.mjs for the tests.
export interface Layer {
  readonly name: string;
  readonly folder: string;
  readonly pure?: boolean;
  readonly mayImport: readonly string[];
}
export const LAYERS: readonly Layer[];
export const PURE_FOLDERS: readonly string[];
export const PURE_PACKAGES: readonly string[];
export function boundariesConfig(root: string): { settings: Record<string, unknown>; rules: Record<string, unknown> };
