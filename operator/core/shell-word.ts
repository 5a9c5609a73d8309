/**
 * A path as it can be typed after a command that we tell somebody to type.
 *
 * Lives here: that, for a POSIX shell. Does not live here: the words of `cnapp shell` (cli-client has its own).
 */

/** As it is, or in quotes where it holds a space, a quote or anything else that a shell would take for itself. */
export function shellWord(path: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
