/**
 * Guessing which word was meant.
 *
 * Lives here: the distance between two words and the nearest of a list. Does not live here: any sentence.
 */

/** Words further apart than this many edits are not each other's misspelling. */
const EDITS_MAX = 2;

/** The candidate nearest to `word`, or null when none is near (two edits, one for words under four letters). */
export function nearestWord(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let bestEdits = (word.length < 4 ? 1 : EDITS_MAX) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestEdits) continue;
    const edits = candidate === word ? 0 : editsBetween(word.toLowerCase(), candidate.toLowerCase());
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits];
  }
  return best;
}

/** ` (did you mean 'post'?)`, or nothing when no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const nearest = nearestWord(word, candidates);
  return nearest === null ? '' : ` (did you mean '${nearest}'?)`;
}

/** Levenshtein distance, with two rows. */
function editsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(change, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[b.length] ?? 0;
}
