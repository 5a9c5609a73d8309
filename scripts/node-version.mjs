// The one check that must run before anything else: is this Node new enough?
//
// Written in the JavaScript of 2017 and without an import, because a Node that is too old has to be able to read
// this file in order to say so. What it can read, it may not use: no `?.`, no `??`, no `node:` prefix, and every file
// with newer syntax is loaded by `import()` only after this check.

/** The oldest Node that works: the first 20 that has everything our libraries ask for. Also in package.json, `engines`. */
export const NODE_OLDEST = [20, 19];

/** One sentence for people when `version` (such as `v16.3.0`) is too old, else the empty string. */
export function complaintAbout(version) {
  const parts = version.replace(/^v/, '').split('.').map(Number);
  const isNewEnough = parts[0] > NODE_OLDEST[0] || (parts[0] === NODE_OLDEST[0] && parts[1] >= NODE_OLDEST[1]);
  if (isNewEnough) return '';
  return (
    'ssmmp-lab needs Node ' +
    NODE_OLDEST.join('.') +
    ' or newer and this is Node ' +
    version.replace(/^v/, '') +
    ': install a newer one (from https://nodejs.org, or "nvm install 20") and type the same command again.'
  );
}

/** Ends the process with exit code 1 and one sentence on stderr when this Node is too old. */
export function refuseOldNode() {
  const complaint = complaintAbout(process.version);
  if (complaint === '') return;
  console.error(complaint);
  process.exit(1);
}
