/**
 * A lab's `lab.yaml`: what the lab is, what its check looks at, what each item is worth.
 *
 * Lives here: shape, limits and problems of the file. Does not live here: the other files of a lab (shell/lab-folder.ts),
 * what a check does (the lab's own check.ts).
 *
 * A lab is data plus a check. Everything that has a name is named here once: check.ts gives each item its code by this name,
 * and every folder below wrong/ says here which item it must fail. Tests compare.
 */
import { z } from 'zod';
import { LocatedYaml, strictMessage } from '../../../ssmmp/core/located-yaml.ts';
import type { FileProblem, YamlPath } from '../../../ssmmp/core/located-yaml.ts';

/** `00-meet-the-cnapp`. */
export const LAB_NAME = /^\d{2}-[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** Hints come in three steps: where to look, what to look for, what to do. */
export const HINTS = 3;
/** An item that has no `seconds` may take so long. */
export const ITEM_SECONDS_DEFAULT = 60;
const ITEM_SECONDS_MAX = 1800;
const POINTS_MAX = 100;
const ITEMS_MAX = 20;
const MINUTES_MAX = 240;
const LABS_MAX = 99;

/** One item of a check. */
export interface LabItem {
  readonly name: string;
  /** What must be so, as a sentence without its full stop. */
  readonly says: string;
  readonly points: number;
  /** Where to read more: a file of the clone, perhaps with a heading: `docs/rulings.md#status-codes-by-response`. */
  readonly page: string;
  /** It starts processes, so it takes more than a moment; `watch` leaves it out unless asked. */
  readonly live: boolean;
  /** How long it may take. */
  readonly seconds: number;
  readonly hints: readonly string[];
}

/** A typical wrong answer: the item it fails, and what the student misunderstood. */
export interface WrongAnswer {
  readonly fails: string;
  readonly because: string;
}

export interface LabDescription {
  readonly title: string;
  readonly goal: string;
  readonly minutes: number;
  /** Numbers of labs to do before. */
  readonly needs: readonly number[];
  /** Its full proof takes long and runs under `npm run labs-proof`; `npm test` runs a short one. */
  readonly slow: boolean;
  /** Its solution measures time, which says nothing on a machine that does other things: its proof is for `npm run labs-proof`. */
  readonly measures: boolean;
  readonly checks: readonly LabItem[];
  readonly wrong: ReadonlyMap<string, WrongAnswer>;
}

export type LabFileResult =
  | { readonly ok: true; readonly lab: LabDescription }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const ITEM_KEYS = ['name', 'says', 'points', 'page', 'live', 'seconds', 'hints'];
const FILE_KEYS = ['title', 'goal', 'minutes', 'needs', 'slow', 'measures', 'checks', 'wrong'];
const WORDS = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const NAME_EXPECTED = "small letters and digits, words joined by '-', such as find-your-post";

const whole = (least: number, most: number) => {
  const error = { error: `a whole number from ${least} to ${most}` };
  return z.number(error).int(error).min(least, error).max(most, error);
};
const sentence = (what: string) => z.string({ error: what }).trim().min(1, { error: what });
const flag = z.boolean({ error: 'true or false' });

const itemShape = z.strictObject(
  {
    name: z.string({ error: NAME_EXPECTED }).regex(WORDS, { error: NAME_EXPECTED }),
    says: sentence('what must be so, in one sentence'),
    points: whole(1, POINTS_MAX),
    page: sentence('the page to read, such as docs/protocol.md#session'),
    live: flag.optional(),
    seconds: whole(1, ITEM_SECONDS_MAX).optional(),
    hints: z
      .array(sentence('a hint'), { error: `a list of ${HINTS} hints` })
      .length(HINTS, { error: `${HINTS} hints: where to look, what to look for, what to do` }),
  },
  strictMessage('a map such as {name: find-your-post, says: …, points: 40, page: …, hints: [...]}', ITEM_KEYS),
);
const fileShape = z.strictObject(
  {
    title: sentence('the title of the lab'),
    goal: sentence('what a student can do afterwards'),
    minutes: whole(1, MINUTES_MAX),
    needs: z.array(whole(0, LABS_MAX), { error: 'a list of numbers of labs, such as [0, 2]' }).optional(),
    slow: flag.optional(),
    measures: flag.optional(),
    checks: z
      .array(itemShape, { error: 'a list of items, each with name, says, points, page and hints' })
      .min(1, { error: 'at least one item' })
      .max(ITEMS_MAX, { error: `at most ${ITEMS_MAX} items` }),
    wrong: z.record(
      z.string(),
      z.strictObject(
        { fails: sentence('the name of an item of checks'), because: sentence('what the student misunderstood') },
        strictMessage('a map such as {fails: find-your-post, because: …}', ['fails', 'because']),
      ),
      { error: 'a map: folder below wrong/ → {fails: item, because: …}' },
    ),
  },
  strictMessage(`a map with the keys ${FILE_KEYS.join(', ')}`, FILE_KEYS),
);

/** Reads a lab.yaml; every problem at once with line and column. Never throws. */
export function parseLab(text: string, fileName: string): LabFileResult {
  const file = new LocatedYaml(text, fileName);
  const shape = file.failed ? null : file.check(fileShape, file.value, [], subjectOf);
  if (shape === null) return { ok: false, problems: file.problems };
  const names = shape.checks.map(({ name }) => name);
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) === at) continue;
    const text = `two items are called '${name}'; expected each name once`;
    file.report(['checks', at, 'name'], 'value', { found: name, expected: 'each name once', sentence: text });
  }
  for (const [folder, { fails }] of Object.entries(shape.wrong)) {
    if (names.includes(fails)) continue;
    const text = `wrong answer '${folder}' fails '${fails}', which is no item; expected one of ${names.join(', ')}`;
    file.report(['wrong', folder, 'fails'], 'value', { found: fails, expected: names.join(', '), sentence: text });
  }
  if (file.failed) return { ok: false, problems: file.problems };
  const checks = shape.checks.map((item) => ({
    ...item,
    live: item.live ?? false,
    seconds: item.seconds ?? ITEM_SECONDS_DEFAULT,
  }));
  const { title, goal, minutes, needs = [], slow = false, measures = false, wrong } = shape;
  return {
    ok: true,
    lab: { title, goal, minutes, needs, slow, measures, checks, wrong: new Map(Object.entries(wrong)) },
  };
}

function subjectOf(path: YamlPath): string {
  const [first, which, ...rest] = path;
  if (first === undefined) return 'the lab';
  if (which === undefined) return String(first);
  const thing = first === 'checks' ? `item ${Number(which) + 1} of checks` : `${String(first)} '${String(which)}'`;
  return rest.length === 0 ? thing : `${rest.join('.')} of ${thing}`;
}
