// Turn by turn: a measurement and its baseline take turns, and only figures of the same round are compared.
//
// A machine is not equally fast all the time: its clock changes, and others work on it too. Whoever measures first one
// thing for a minute and then the other compares two minutes of the machine. So each round runs both, one right after the
// other and every second round in the other order, and gives one ratio; reported are the median of the ratios and how far the
// middle half of them lies apart.
import { spread, type Spread } from './stats.ts';

export interface Compared {
  readonly measured: Spread;
  readonly baseline: Spread;
  /** measured / baseline of the same round. */
  readonly ratio: Spread;
}

export type Figures = Readonly<Record<string, number>>;
export type Side = () => Promise<Figures>;

interface Pair {
  readonly base: Figures;
  readonly own: Figures;
}

/** Runs both sides `rounds` times after one warm-up each. The figures of both are compared by name. */
export async function turnByTurn(rounds: number, baseline: Side, measured: Side): Promise<Record<string, Compared>> {
  const figures: Pair[] = [];
  await baseline();
  await measured();
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const base = await baseline();
      figures.push({ base, own: await measured() });
    } else {
      const own = await measured();
      figures.push({ base: await baseline(), own });
    }
  }
  return comparedByName(figures);
}

/**
 * Runs one thing several times that gives a time of its own and the time before it, for what changes the system so that the
 * two cannot change places. One warm-up round.
 */
export async function beforeAndDuring(
  rounds: number,
  side: () => Promise<{ before: Figures; during: Figures }>,
): Promise<Record<string, Compared>> {
  const figures: Pair[] = [];
  await side();
  for (let round = 0; round < rounds; round += 1) {
    const { before, during } = await side();
    figures.push({ base: before, own: during });
  }
  return comparedByName(figures);
}

function comparedByName(figures: readonly Pair[]): Record<string, Compared> {
  const names = Object.keys(figures[0]?.base ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const base = figures.map((figure) => figure.base[name] as number);
      const own = figures.map((figure) => figure.own[name] as number);
      return [
        name,
        {
          baseline: spread(base),
          measured: spread(own),
          ratio: spread(own.map((value, round) => value / (base[round] as number))),
        },
      ];
    }),
  );
}

/** Runs one thing several times, for figures that have a limit and no baseline. */
export async function repeated(rounds: number, side: Side): Promise<Record<string, Spread>> {
  const all: Figures[] = [];
  await side();
  for (let round = 0; round < rounds; round += 1) all.push(await side());
  return Object.fromEntries(
    Object.keys(all[0] ?? {}).map((name) => [name, spread(all.map((figures) => figures[name] as number))]),
  );
}
