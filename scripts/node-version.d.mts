// Types of node-version.mjs for the tests.
export const NODE_OLDEST: readonly [major: number, minor: number];
export function complaintAbout(version: string): string;
export function refuseOldNode(): void;
