import { bug } from '../diagnostics/diagnostic.ts';
import type { Design, StreamPort } from './design.ts';

/** A circuit inside another. */
export interface Part {
  /** Instance name; [A-Za-z0-9_]. */
  readonly name: string;
  readonly design: Design;
}

/** One end of a stream: a port of a part, or an edge of the whole. */
export interface End {
  readonly part: string;
  readonly port: string;
}

export interface Stitching {
  readonly top: string;
  readonly parts: readonly Part[];
  readonly links: readonly { readonly from: End; readonly to: End }[];
}

const bytesOf = (port: StreamPort): number => Math.ceil(port.width / 8) * 8;

/**
 * Parts and the streams between them as one circuit. Streams that no link takes come out as s_axis_0…, m_axis_0… in the
 * parts' order, tdata rounded up to whole bytes as AXI-Stream asks (the padding is zero on outputs, ignored on inputs).
 */
export function stitch({ top, parts, links }: Stitching): Design {
  const find = ({ part, port }: End): StreamPort =>
    parts.find(({ name }) => name === part)?.design.streams.find(({ name }) => name === port) ??
    bug(`no stream ${part}.${port}`);
  const body: string[] = [];
  const nets = new Map<string, string>();
  const net = (part: string, port: string) => `${part}.${port}`;
  links.forEach(({ from, to }, i) => {
    const [source, sink] = [find(from), find(to)];
    if (source.width !== sink.width || source.direction !== 'out' || sink.direction !== 'in')
      bug(`${from.part}.${from.port} (${source.width} bits) cannot feed ${to.part}.${to.port} (${sink.width} bits)`);
    nets.set(net(from.part, from.port), `link${i}`);
    nets.set(net(to.part, to.port), `link${i}`);
    body.push(`  wire [${source.width - 1}:0] link${i}_tdata;`, `  wire link${i}_tvalid;`, `  wire link${i}_tready;`);
  });

  const outer: StreamPort[] = [];
  const open = (direction: 'in' | 'out', prefix: string) => {
    for (const { name, design } of parts)
      for (const port of design.streams) {
        if (port.direction !== direction || nets.has(net(name, port.name))) continue;
        const outside: StreamPort = {
          ...port,
          name: `${prefix}_axis_${outer.filter((one) => one.direction === direction).length}`,
          width: bytesOf(port),
        };
        outer.push(outside);
        nets.set(net(name, port.name), `edge_${outside.name}`);
        const inner = `edge_${outside.name}`;
        body.push(`  wire [${port.width - 1}:0] ${inner}_tdata;`, `  wire ${inner}_tvalid;`, `  wire ${inner}_tready;`);
        if (direction === 'in') {
          body.push(
            `  assign ${inner}_tdata = ${outside.name}_tdata[${port.width - 1}:0];`,
            `  assign ${inner}_tvalid = ${outside.name}_tvalid;`,
            `  assign ${outside.name}_tready = ${inner}_tready;`,
          );
        } else {
          const padding = outside.width - port.width;
          body.push(
            `  assign ${outside.name}_tdata = ${padding > 0 ? `{${padding}'d0, ${inner}_tdata}` : `${inner}_tdata`};`,
            `  assign ${outside.name}_tvalid = ${inner}_tvalid;`,
            `  assign ${inner}_tready = ${outside.name}_tready;`,
          );
        }
      }
  };
  open('in', 's');
  open('out', 'm');

  for (const { name, design } of parts) {
    const pins = ['.ap_clk(ap_clk)', '.ap_rst_n(ap_rst_n)'];
    for (const port of design.streams) {
      const wire = nets.get(net(name, port.name))!;
      for (const pin of ['tdata', 'tvalid', 'tready']) pins.push(`.${port.name}_${pin}(${wire}_${pin})`);
    }
    body.push(
      `  ${design.top} ${name} (`,
      ...pins.map((pin, i) => `    ${pin}${i < pins.length - 1 ? ',' : ''}`),
      '  );',
    );
  }
  const ports = outer.flatMap(({ name, direction, width }) =>
    direction === 'in'
      ? [`input  wire [${width - 1}:0] ${name}_tdata`, `input  wire ${name}_tvalid`, `output wire ${name}_tready`]
      : [`output wire [${width - 1}:0] ${name}_tdata`, `output wire ${name}_tvalid`, `input  wire ${name}_tready`],
  );
  const header = ['input  wire ap_clk', 'input  wire ap_rst_n', ...ports];
  const text = [
    `// The accelerator: ${parts.length} parts, ${links.length} streams between them.`,
    `module ${top} (`,
    ...header.map((line, i) => `  ${line}${i < header.length - 1 ? ',' : ''}`),
    ');',
    ...body,
    'endmodule',
    '',
  ].join('\n');
  return {
    top,
    sources: { ...merged(parts.map(({ design }) => design.sources)), [`${top}.v`]: text },
    memories: merged(parts.map(({ design }) => design.memories)),
    streams: outer,
  };
}

/** Files of all parts; those of equal name are the library's and must be equal. */
function merged(all: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const files: Record<string, string> = {};
  for (const one of all)
    for (const [path, content] of Object.entries(one)) {
      if (files[path] !== undefined && files[path] !== content) bug(`two files ${path} in one circuit`);
      files[path] = content;
    }
  return files;
}
