/**
 * The pictures of a chapter: what can be drawn, and each as a whole SVG document.
 *
 * Lives here: the kinds, and who draws them. Does not live here: the run that they come from (shell/pictures.ts), what a lab
 * chooses to show (its pictures.ts).
 *
 * Theory. A picture in a chapter is evidence like any other: it is made from a run, never drawn by hand, so it cannot say what
 * the mesh does not do. Every kind has a ground of its own, since nobody knows whether the page around it is light or dark.
 */
import type { PlotLine, PlotMark } from '../../../load/core/plot.ts';
import { plotFile } from '../../../load/core/plot.ts';
import type { LiveGraph } from '../../../ssmmp/core/graph-live.ts';
import { parseGraph } from '../../../ssmmp/core/graph-parse.ts';
import { graphSvg } from '../../../ssmmp/core/graph-svg.ts';
import { formatProblem } from '../../../ssmmp/core/located-yaml.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';
import { sequenceSvg } from './sequence.ts';
import type { SequenceNote } from './sequence.ts';

export type Picture =
  | { readonly kind: 'messages'; readonly entries: readonly (TraceEntry | SequenceNote)[] }
  | {
      readonly kind: 'plot';
      /** What is measured, and in which unit. */
      readonly title: string;
      readonly seconds: number;
      readonly lines: readonly PlotLine[];
      readonly marks?: readonly PlotMark[];
    }
  | {
      readonly kind: 'graph';
      /** A graph file's text. */
      readonly text: string;
      /** Instances and sessions that ran. */
      readonly live?: LiveGraph;
      /** An edge that stands out, by its `edgeKey`: `post/posts-plug`. */
      readonly marked?: string;
    }
  /** What a program of the lab drew itself: a whole SVG document. */
  | { readonly kind: 'drawn'; readonly svg: string };

/** Names of files without `.svg`, and what is in them. */
export type Pictures = Readonly<Record<string, Picture>>;

/**
 * The SVG document, ended by a newline. Addresses are those of 127.0.0, as chapters write them, whatever subnet the run had. Throws
 * where there is nothing to draw: the run was another one than the lab thought.
 */
export function pictureSvg(picture: Picture): string {
  const svg = drawn(picture).trim();
  if (svg === '') throw new Error('a picture of nothing: what the lab looks for was not in the run');
  return `${svg.replaceAll(/127\.\d+\.\d+\.(\d+)/g, '127.0.0.$1')}\n`;
}

/** '' where there is nothing to draw. */
function drawn(picture: Picture): string {
  switch (picture.kind) {
    case 'messages':
      return sequenceSvg(picture.entries);
    case 'plot': {
      const { title, seconds, lines, marks } = picture;
      const isEmpty = seconds <= 0 || lines.every(({ points }) => points.length === 0);
      return isEmpty ? '' : plotFile(title, seconds, lines, marks);
    }
    case 'graph': {
      const { text, live = null, marked } = picture;
      const read = parseGraph(text, 'graph.yaml');
      if (!read.ok) throw new Error(read.problems.map(formatProblem).join('\n'));
      return graphSvg(read.graph, live, new Set(marked === undefined ? [] : [marked]));
    }
    case 'drawn':
      return picture.svg;
  }
}
