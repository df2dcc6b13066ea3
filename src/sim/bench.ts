import { bug } from '../diagnostics/diagnostic.ts';
import type { Design, StreamPort } from '../hdl/design.ts';

/** Circuits put side by side: one set of sources without name clashes, and a top that holds them all. */
export interface Bench {
  /** Name of the top module of each circuit. */
  readonly tops: readonly string[];
  readonly sources: Readonly<Record<string, string>>;
  readonly memories: Readonly<Record<string, string>>;
}

/** The module that holds all circuits. */
export const benchTop = 'finn_bench';

/** Name of a port of circuit `index` on the bench: each circuit has its own clock and reset. */
export const benchPort = (index: number, port: string): string => `dut${index}_${port}`;

/**
 * Several designs side by side. Names of modules, packages, files and memories get a prefix for each circuit, since two
 * designs may give the same name to different things; a design alone keeps its names. The top, `finn_bench`, has the
 * ports of circuit n as `dut<n>_<port>`.
 */
export function bench(designs: readonly Design[]): Bench {
  const prefixed = designs.length === 1 ? designs : designs.map((design, index) => prefix(design, `d${index}_`));
  const sources: Record<string, string> = {};
  const memories: Record<string, string> = {};
  for (const design of prefixed) {
    Object.assign(sources, design.sources);
    Object.assign(memories, design.memories);
  }
  const file = `${benchTop}.sv`;
  if (file in sources) bug(`a design has a file ${file}`);
  sources[file] = printTop(prefixed);
  return { tops: prefixed.map((design) => design.top), sources, memories };
}

/** The same circuit with `mark` before the names of its modules, packages, files and memories. */
function prefix(design: Design, mark: string): Design {
  const modules = new Set<string>();
  for (const text of Object.values(design.sources)) {
    for (const [, name] of text.matchAll(/^\s*(?:module|package)\s+(?:automatic\s+)?([A-Za-z_]\w*)/gm))
      modules.add(name!);
  }
  if (!modules.has(design.top)) bug(`no module ${design.top} in ${Object.keys(design.sources).join(', ')}`);
  const rename = (text: string): string =>
    text.replace(/"((?:[^"\\\n]|\\.)*)"|\/\/.*|\/\*[\s\S]*?\*\/|[A-Za-z_$`][\w$]*/g, (token, string?: string) => {
      if (string !== undefined) return string in design.memories ? `"${mark}${string}"` : token;
      return modules.has(token) ? mark + token : token;
    });
  return {
    top: mark + design.top,
    sources: mapped(design.sources, mark, rename),
    memories: mapped(design.memories, mark, (text) => text),
    streams: design.streams,
  };
}

const mapped = (
  files: Readonly<Record<string, string>>,
  mark: string,
  change: (text: string) => string,
): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [mark + name, change(text)]));

interface Port {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
}

function portsOf(streams: readonly StreamPort[]): Port[] {
  const control: Port[] = ['ap_clk', 'ap_rst_n'].map((name) => ({ name, direction: 'input', width: 1 }));
  const data = streams.flatMap(({ name, direction, width }): Port[] => {
    const [forth, back] = direction === 'in' ? (['input', 'output'] as const) : (['output', 'input'] as const);
    return [
      { name: `${name}_tdata`, direction: forth, width },
      { name: `${name}_tvalid`, direction: forth, width: 1 },
      { name: `${name}_tready`, direction: back, width: 1 },
    ];
  });
  return [...control, ...data];
}

function printTop(designs: readonly Design[]): string {
  const ports = designs.flatMap((design, index) =>
    portsOf(design.streams).map(({ name, direction, width }) => {
      const range = width === 1 ? '' : `[${width - 1}:0] `;
      return `  ${direction} wire ${range}${benchPort(index, name)}`;
    }),
  );
  const instances = designs.map((design, index) => {
    const wires = portsOf(design.streams).map(({ name }) => `    .${name}(${benchPort(index, name)})`);
    return `  ${design.top} dut${index} (\n${wires.join(',\n')}\n  );`;
  });
  return `module ${benchTop} (\n${ports.join(',\n')}\n);\n${instances.join('\n')}\nendmodule\n`;
}
