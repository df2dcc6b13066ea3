/** A drawing of boxes and arrows, from the top down. */
export interface Diagram {
  readonly name: string;
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}
export interface Box {
  readonly id: string;
  readonly lines: readonly string[];
  /** Inputs and outputs of a network are drawn round. */
  readonly round?: boolean;
}
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
}

/** As Graphviz' language. */
export function toDot({ name, boxes, arrows }: Diagram): string {
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const label = (lines: readonly string[]): string =>
    `"${lines.map((line) => line.replace(/["\\]/g, '\\$&')).join('\\n')}"`;
  return [
    `digraph ${quoted(name)} {`,
    '  node [shape=box, fontname="sans-serif"];',
    '  edge [fontname="sans-serif", fontsize=10];',
    ...boxes.map(
      ({ id, lines, round }) => `  ${quoted(id)} [label=${label(lines)}${round ? ', shape=box, style=rounded' : ''}];`,
    ),
    ...arrows.map(
      ({ from, to, label: text }) =>
        `  ${quoted(from)} -> ${quoted(to)}${text === undefined ? '' : ` [label=${quoted(text)}]`};`,
    ),
    '}',
  ].join('\n');
}

/** As a Mermaid flow chart, which Markdown viewers draw. */
export function toMermaid({ boxes, arrows }: Diagram): string {
  const ids = new Map(boxes.map(({ id }, i) => [id, `n${i}`]));
  const quoted = (text: string): string => `"${text.replace(/[&"#<>]/g, (letter) => `#${letter.charCodeAt(0)};`)}"`;
  const label = (lines: readonly string[]): string =>
    `"${lines.map((line) => quoted(line).slice(1, -1)).join('<br>')}"`;
  return [
    'flowchart TD',
    ...boxes.map(({ id, lines, round }) =>
      round ? `  ${ids.get(id)}(${label(lines)})` : `  ${ids.get(id)}[${label(lines)}]`,
    ),
    ...arrows.map(
      ({ from, to, label: text }) =>
        `  ${ids.get(from)} -->${text === undefined ? '' : `|${quoted(text)}|`} ${ids.get(to)}`,
    ),
  ].join('\n');
}
