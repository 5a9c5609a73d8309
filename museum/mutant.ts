/**
 * What a mutant is: one line of production code, broken on purpose.
 *
 * Lives here: the shape. Does not live here: the mutants (mutants/), planting one (tree.ts), catching one (catch.ts).
 */

/** Who notices: a test file (narrowed by the title of a test), a space of the exhaustive search, or a seed of the simulator. */
export type Catcher =
  | { readonly by: 'test'; readonly file: string; readonly grep: string }
  | { readonly by: 'search'; readonly space: string }
  | { readonly by: 'seed'; readonly seed: number };

export interface Mutant {
  /** Short, in words: `tombstone-dropped`. */
  readonly name: string;
  /** Which file, from the root of the clone. */
  readonly file: string;
  /** The line before it, without its indent, where the line itself stands in the file more than once. */
  readonly behind?: string;
  /** The line as it is, without its indent. It must stand in the file exactly once (behind `behind`). */
  readonly line: string;
  /** What stands there instead; still one line. */
  readonly becomes: string;
  /** The ruling or invariant that it breaks. */
  readonly breaks: string;
  /** What a user or an operator would see of it. */
  readonly story: string;
  /** The cheapest that catches it; `npm test` runs this one. Seeds are found by themselves (seeds.ts) and written nowhere here. */
  readonly catcher: Catcher;
}
