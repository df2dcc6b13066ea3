import { readFileSync } from 'node:fs';
import { bug } from '../../diagnostics/diagnostic.ts';
import { protocolVersion, type UartFacts } from '../../shells/uart/shell.ts';
import { encodeProgram, type HostProgram } from './program.ts';

/** One input or output of the accelerator, as FINN's io_shape_dict has it; the batch axis, 1, is the first. */
export interface DriverPort {
  /** FINN's name: UINT5, INT8, BIPOLAR. */
  readonly datatype: string;
  /** Bits of one element. */
  readonly bits: number;
  /** Shape in the network: [1, 64]. */
  readonly normal: readonly number[];
  /** The same elements as beats of lanes: [1, 4, 16]. */
  readonly folded: readonly number[];
}

export interface DriverSpec {
  readonly input: DriverPort;
  readonly output: DriverPort;
  /** `uartFacts` of the shell that is in the bitstream. */
  readonly uart: UartFacts;
  /** From the network's input to what the accelerator is fed; undefined where that is the same. */
  readonly before: HostProgram | undefined;
  /** From the accelerator's integers to the network's output; undefined where they are the same. */
  readonly after: HostProgram | undefined;
}

const text = (name: string): string => readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

/** The folder `driver/` of a build, by file name; deterministic. */
export function driverFiles(spec: DriverSpec): Record<string, Uint8Array> {
  const template = text('driver.py');
  const line = 'io_shape_dict = None  # set by finn\n';
  if (template.split(line).length !== 2) bug('driver.py has not one place for io_shape_dict');
  const before = spec.before && encodeProgram(spec.before, 'before');
  const after = spec.after && encodeProgram(spec.after, 'after');
  const host = { uart: uartJson(spec.uart), before: before?.json ?? null, after: after?.json ?? null };
  return {
    'accelerator.json': bytes(`${JSON.stringify(host, undefined, 2)}\n`),
    'driver.py': bytes(template.replace(line, () => shapesText(spec))),
    'driver_base.py': bytes(text('driver_base.py')),
    'host_part.py': bytes(text('host_part.py')),
    ...before?.files,
    ...after?.files,
    'requirements.txt': bytes('numpy>=1.17\npyserial>=3.4\n'),
  };
}

/** Bytes of a packed port: [1, 4, 10] for beats of 16 elements of 5 bits. */
export const packedShape = ({ folded, bits }: DriverPort): number[] => [
  ...folded.slice(0, -1),
  Math.ceil((folded.at(-1)! * bits) / 8),
];

const tuple = (shape: readonly number[]): string => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;

function shapesText({ input, output }: DriverSpec): string {
  for (const { normal, folded } of [input, output])
    if (size(normal) !== size(folded)) bug(`shapes ${tuple(normal)} and ${tuple(folded)} differ in size`);
  const entries: readonly (readonly [string, string])[] = [
    ['idt', `["${input.datatype}"]`],
    ['odt', `["${output.datatype}"]`],
    ['ishape_normal', `[${tuple(input.normal)}]`],
    ['oshape_normal', `[${tuple(output.normal)}]`],
    ['ishape_folded', `[${tuple(input.folded)}]`],
    ['oshape_folded', `[${tuple(output.folded)}]`],
    ['ishape_packed', `[${tuple(packedShape(input))}]`],
    ['oshape_packed', `[${tuple(packedShape(output))}]`],
    ['input_dma_name', '["s_axis_0"]'],
    ['output_dma_name', '["m_axis_0"]'],
    ['number_of_external_weights', '0'],
    ['external_weights_input_shapes', '{}'],
    ['num_inputs', '1'],
    ['num_outputs', '1'],
  ];
  return `io_shape_dict = {\n${entries.map(([key, value]) => `    "${key}": ${value},\n`).join('')}}\n`;
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const uartJson = (uart: UartFacts): unknown => ({
  version: protocolVersion,
  id: uart.id,
  baud: uart.baud,
  clock_hz: uart.clockHz,
  input_bytes: uart.inputBytes,
  output_bytes: uart.outputBytes,
});
