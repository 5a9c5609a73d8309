// Types of quick-loading.mjs for the benches and tests.
export const QUICK_LOADING_OPTIONS: { entryNames: string; supported: Record<string, boolean> };
export function makeQuickLoading(folder: string, name: string, extension?: '.js' | '.cjs'): string[];
