import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { available } from '../../../test/helpers/require.ts';
import { type SerialBoard, serveBoard } from '../../../test/helpers/serial-board.ts';
import type { Design } from '../../hdl/design.ts';
import { FLOAT32, parseDataType } from '../../ir/datatype.ts';
import { apply, constant, input, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { onnx } from '../../passes/ops.ts';
import { type UartShell, uartFacts, uartTestbench } from '../../shells/uart/shell.ts';
import { testCall } from '../../sim/direct.ts';
import { beatBytes, pack } from '../../sim/packing.ts';
import { type CompiledSimulation, compileSimulation } from '../../sim/simulation.ts';
import { random } from '../../util/random.ts';
import { rational } from '../../util/rational.ts';
import { type DriverSpec, driverFiles } from './driver.ts';
import { hostProgram } from './translate.ts';

/** Sums 4 elements of 5 bits to one of 8 bits, twice a frame; takes a beat every third cycle. */
const sums: Design = {
  top: 'sums',
  sources: {
    'sums.sv': `
module sums (
  input logic ap_clk, input logic ap_rst_n,
  input logic [23:0] s_axis_0_tdata, input logic s_axis_0_tvalid, output logic s_axis_0_tready,
  output logic [7:0] m_axis_0_tdata, output logic m_axis_0_tvalid, input logic m_axis_0_tready
);
  logic pause;
  assign s_axis_0_tready = !pause && !m_axis_0_tvalid;
  always_ff @(posedge ap_clk)
    if (!ap_rst_n) begin
      pause <= 1'b0;
      m_axis_0_tvalid <= 1'b0;
    end else begin
      pause <= s_axis_0_tvalid && s_axis_0_tready;
      if (pause) m_axis_0_tvalid <= 1'b1;
      else if (m_axis_0_tready) m_axis_0_tvalid <= 1'b0;
    end
  always_ff @(posedge ap_clk)
    if (s_axis_0_tvalid && s_axis_0_tready)
      m_axis_0_tdata <= 8'(s_axis_0_tdata[4:0]) + 8'(s_axis_0_tdata[9:5]) + 8'(s_axis_0_tdata[14:10]) + 8'(s_axis_0_tdata[19:15]);
endmodule
`,
  },
  memories: {},
  streams: [
    { name: 's_axis_0', direction: 'in', lanes: 4, bits: 5, width: 24, beats: 2 },
    { name: 'm_axis_0', direction: 'out', lanes: 1, bits: 8, width: 8, beats: 2 },
  ],
};
const shell: UartShell = {
  accelerator: sums,
  clock: { mhz: rational(12n), divide: 1 },
  family: 'ice40',
  baud: 1_000_000,
  id: 0x1234abcd,
  pause: 12,
};
const real = (...values: number[]): Value =>
  constant(tensor(FLOAT32, values.length > 1 ? [values.length] : [], values));
/** Reals of steps of 0.5, as integers. */
const pixels = input('x', { dtype: FLOAT32, shape: [1, 8] });
const quantised = apply(onnx('Round'), [apply(onnx('Div'), [pixels, real(0.5)], {}, ['steps'])], {}, ['q']);
const sum = input('sum', { dtype: parseDataType('UINT8')!, shape: [1, 2] });
const moved = apply(onnx('Add'), [apply(onnx('Mul'), [sum, real(0.5)], {}, ['scale']), real(0, -1)], {}, ['move']);
const spec: DriverSpec = {
  input: { datatype: 'UINT5', bits: 5, normal: [1, 8], folded: [1, 2, 4] },
  output: { datatype: 'UINT8', bits: 8, normal: [1, 2], folded: [1, 2, 1] },
  uart: uartFacts(shell),
  before: hostProgram({ name: 'before', inputs: [pixels], outputs: [{ name: 'q', value: quantised }] }),
  after: hostProgram({ name: 'after', inputs: [sum], outputs: [{ name: 'y', value: moved }] }),
};

describe('the driver folder', () => {
  test('is the same every time, and says what the build is', () => {
    const files = driverFiles(spec);
    expect(driverFiles(spec)).toEqual(files);
    expect(Object.keys(files)).toEqual([
      'accelerator.json',
      'driver.py',
      'driver_base.py',
      'host_part.py',
      'requirements.txt',
    ]);
    const text = Buffer.from(files['driver.py']!).toString();
    expect(text).toContain('"ishape_packed": [(1, 2, 3)],');
    expect(text).not.toContain('set by finn');
    expect(JSON.parse(Buffer.from(files['accelerator.json']!).toString())).toMatchObject({
      uart: { version: 1, id: 0x1234abcd, baud: 1_000_000, clock_hz: 12_000_000, input_bytes: 6, output_bytes: 2 },
      before: {
        input: { shape: [1, 8], type: 'FLOAT32' },
        steps: [{ op: 'div', reads: [0, { values: [0.5] }] }, { op: 'round' }],
      },
    });
  });

  test('refuses shapes that do not agree', () => {
    expect(() => driverFiles({ ...spec, input: { ...spec.input, folded: [1, 2, 5] } })).toThrow('differ in size');
  });
});

const python = available('python') && available('numpy');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-driver-'));
  for (const [name, contents] of Object.entries(driverFiles(spec))) writeFileSync(join(folder, name), contents);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Standard output of a Python program in the driver's folder. */
const run = (program: string, input = ''): string =>
  execFileSync('python3', ['-B', '-c', program], { cwd: folder, input, encoding: 'utf8' });

describe.skipIf(!python)('packing in Python', () => {
  test('is that of the circuits, both ways', () => {
    const source = random(7);
    const cases = [
      'BIPOLAR',
      'BINARY',
      'TERNARY',
      'UINT5',
      'UINT8',
      'INT3',
      'INT8',
      'INT16',
      'INT19',
      'UINT32',
      'INT40',
    ]
      .flatMap((name) => [1, 3, 8, 13].map((lanes) => ({ name, lanes })))
      .map(({ name, lanes }) => {
        const dtype = parseDataType(name)!;
        const values = Array.from({ length: 3 * lanes }, () => {
          const value = dtype.min + Math.floor(source.float() * (dtype.max - dtype.min + 1));
          return name === 'BIPOLAR' && value === 0 ? 1 : value;
        });
        values[0] = dtype.min;
        values[1] = dtype.max;
        const width = 8 * beatBytes(lanes * dtype.bits);
        const packed = Buffer.from(pack(values, dtype, { lanes, bits: dtype.bits, width })).toString('hex');
        return { name, lanes, values, packed };
      });
    const program = `
import json, sys
import numpy as np
from driver_base import DataType, pack, unpack
for case in json.load(sys.stdin):
    datatype, lanes = DataType(case["name"]), case["lanes"]
    values = np.array(case["values"]).reshape(-1, lanes)
    words = pack(values, datatype)
    assert words.tobytes().hex() == case["packed"], (case, words)
    assert (unpack(words, datatype, lanes) == values).all(), case
    print(case["name"])
`;
    expect(run(program, JSON.stringify(cases)).trim().split('\n')).toEqual(cases.map(({ name }) => name));
  });

  test('refuses what is not of the type', () => {
    const program = `
import numpy as np
from driver_base import DataType, pack
for name, value in [("UINT5", 32), ("UINT5", -1), ("INT3", 4), ("BIPOLAR", 0), ("UINT5", 0.5), ("TERNARY", -2)]:
    try:
        pack(np.array([value]), DataType(name))
    except ValueError as error:
        print(error)
`;
    expect(run(program).trim().split('\n')).toEqual([
      '32 is no UINT5 (0 to 31)',
      '-1 is no UINT5 (0 to 31)',
      '4 is no INT3 (-4 to 3)',
      '0 is no BIPOLAR (-1 to 1)',
      '0.5 is no UINT5 (0 to 31)',
      '-2 is no TERNARY (-1 to 1)',
    ]);
  });

  test('frames of the network go through the host’s steps, integers of the accelerator’s own shape do not', () => {
    const image = input('x', { dtype: FLOAT32, shape: [1, 2, 3, 1] });
    const whole = input('x', { dtype: parseDataType('UINT5')!, shape: [1, 2, 3, 1] });
    const ends = (x: Value): DriverSpec => {
      const last = apply(onnx('Transpose'), [x], { perm: [0, 2, 3, 1] }, ['last']);
      const y = input('y', { dtype: parseDataType('UINT5')!, shape: [1, 3, 1, 2] });
      const first = apply(onnx('Transpose'), [y], { perm: [0, 3, 1, 2] }, ['first']);
      const port = { datatype: 'UINT5', bits: 5, normal: [1, 3, 1, 2], folded: [1, 3, 2] };
      return {
        ...{ input: port, output: port, uart: { ...spec.uart, inputBytes: 6, outputBytes: 6 } },
        before: hostProgram({ name: 'before', inputs: [x as typeof image], outputs: [{ name: 'y', value: last }] }),
        after: hostProgram({ name: 'after', inputs: [y], outputs: [{ name: 'z', value: first }] }),
      };
    };
    // An accelerator that gives what it takes.
    const program = `
import numpy as np
import driver, driver_base, json
uart = json.load(open("accelerator.json"))["uart"]
class Echo:
    def __init__(self, *arguments):
        pass
    def close(self):
        pass
    def request(self, letter, body, reply_bytes):
        if letter == b"X":
            return body
        numbers = [uart["id"], uart["input_bytes"], uart["output_bytes"], uart["clock_hz"]]
        return bytes([uart["version"]]) + b"".join(n.to_bytes(4, "little") for n in numbers)
driver_base.Link = Echo
with driver.FINNAccelerator("", batch_size=2) as accel:
    print(accel.ishape_network(), accel.ishape_normal(), accel.oshape_network(), accel.oshape_normal())
    x = np.arange(12).reshape(2, 2, 3, 1)
    print(accel.quantize_input(x.astype(np.float32))[0].tolist())
    print(accel.quantize_input(x)[0].tolist())
    print(accel.quantize_input(x.reshape(accel.ishape_normal()))[0].tolist())
    print((accel.execute(x) == x).all(), accel.execute(x).shape)
    try:
        accel.execute(x.reshape(2, 6))
    except ValueError as error:
        print(error)
`;
    for (const x of [image, whole]) {
      const own = mkdtempSync(join(tmpdir(), 'finn-driver-'));
      try {
        for (const [name, contents] of Object.entries(driverFiles(ends(x)))) writeFileSync(join(own, name), contents);
        const said = execFileSync('python3', ['-B', '-c', program], { cwd: own, encoding: 'utf8' });
        expect(said.trim().split('\n')).toEqual([
          '(2, 2, 3, 1) (2, 3, 1, 2) (2, 2, 3, 1) (2, 3, 1, 2)',
          '[[[0.0, 3.0]], [[1.0, 4.0]], [[2.0, 5.0]]]',
          '[[[0.0, 3.0]], [[1.0, 4.0]], [[2.0, 5.0]]]',
          '[[[0, 1]], [[2, 3]], [[4, 5]]]',
          'True (2, 2, 3, 1)',
          'an input of shape (2, 6); the network takes (2, 2, 3, 1)',
        ]);
      } finally {
        rmSync(own, { recursive: true, force: true });
      }
    }
  });
});

describe.skipIf(!python || !available('pyserial'))('over a pseudo-terminal, to the simulated circuit', () => {
  const call = testCall();
  let compiled: CompiledSimulation;
  let board: SerialBoard | undefined;
  beforeAll(async () => {
    compiled = await compileSimulation([uartTestbench(shell, { request: 1, reply: 1 })], 'cxxrtl', call);
  }, 120_000);
  afterAll(() => board?.close());

  const drive = async (program: string, spoil?: (message: Uint8Array, n: number) => Uint8Array): Promise<string[]> => {
    const { inputBytes, outputBytes } = spec.uart;
    board = await serveBoard({ compiled, inputBytes, outputBytes, call, ...(spoil && { spoil }) });
    try {
      const args = ['-B', '-c', program, board.port];
      const { stdout } = await promisify(execFile)('python3', args, { cwd: folder });
      return stdout.trim().split('\n');
    } finally {
      await board.close();
      board = undefined;
    }
  };
  const prelude = `
import sys
import numpy as np
from driver import FINNAccelerator
from driver_base import LinkError
`;

  test('execute gives what the circuit computes', async () => {
    const program = `${prelude}
with FINNAccelerator(sys.argv[1], batch_size=2, timeout=60) as accel:
    print(accel.idt(), accel.ishape_normal(), accel.ishape_folded(), accel.ishape_packed(), accel.oshape_packed())
    x = np.array([[1, 2, 3, 4, 31, 31, 31, 31], [0, 0, 0, 1, 16, 0, 5, 0]])
    print(accel.execute(x).tolist())
    print(accel.execute([x / 2])[0].tolist())
`;
    expect(await drive(program)).toEqual([
      "DataType['UINT5'] (2, 8) (2, 2, 4) (2, 2, 3) (2, 2, 1)",
      '[[5.0, 61.0], [0.5, 9.5]]',
      '[[5.0, 61.0], [0.5, 9.5]]',
    ]);
  }, 60_000);

  test('a spoilt request is sent again', async () => {
    const program = `${prelude}
with FINNAccelerator(sys.argv[1], timeout=60) as accel:
    print(accel.execute(np.array([[1, 2, 3, 4, 0, 0, 0, 2]])).tolist())
`;
    const spoil = (message: Uint8Array, n: number) => (n === 1 ? message.with(2, message[2]! ^ 4) : message);
    expect(await drive(program, spoil)).toEqual(['[[5.0, 0.0]]']);
    const lose = (message: Uint8Array, n: number) => (n === 1 ? message.slice(0, -3) : message);
    expect(await drive(program, lose)).toEqual(['[[5.0, 0.0]]']);
  }, 60_000);

  test('gives up after the last retry', async () => {
    const program = `${prelude}
try:
    FINNAccelerator(sys.argv[1], timeout=60, retries=1)
except LinkError as error:
    print(str(error).split(": ")[1])
`;
    const spoil = (message: Uint8Array): Uint8Array => message.with(1, message[1]! ^ 1);
    expect(await drive(program, spoil)).toEqual(['the accelerator received a spoilt request to I, 2 times']);
  }, 60_000);

  test('refuses a bitstream that is not its own', async () => {
    const program = `${prelude}
import driver_base, json
host = json.load(open("accelerator.json"))
host["uart"]["id"] = 7
try:
    driver_base.FINNExampleOverlay(sys.argv[1], {}, host, timeout=60)
except LinkError as error:
    print(error)
`;
    expect(await drive(program)).toEqual([
      'the board has another bitstream: design 0x1234abcd, this driver is for 0x7',
    ]);
  }, 60_000);

  test('throughput_test counts the accelerator’s clocks, with FINN’s keys', async () => {
    const program = `${prelude}
with FINNAccelerator(sys.argv[1], batch_size=3, timeout=60) as accel:
    metrics = accel.throughput_test()
print("|".join(metrics))
print(metrics["interval[cycles]"], metrics["throughput[images/s]"], metrics["fclk[mhz]"], metrics["batch_size"])
`;
    const [keys, numbers] = await drive(program);
    expect(keys!.split('|')).toEqual([
      'runtime[ms]',
      'throughput[images/s]',
      'DRAM_in_bandwidth[MB/s]',
      'DRAM_out_bandwidth[MB/s]',
      'fclk[mhz]',
      'batch_size',
      'interval[cycles]',
      'fold_input[ms]',
      'pack_input[ms]',
      'copy_input_data_to_device[ms]',
      'copy_output_data_from_device[ms]',
      'unpack_output[ms]',
      'unfold_output[ms]',
    ]);
    // Three cycles a beat, two beats a frame: 2 million frames a second at 12 MHz.
    expect(numbers).toBe('6.0 2000000.0 12.0 3');
  }, 60_000);

  test('the command line runs a file', async () => {
    const program = `
import subprocess, sys
import numpy as np
np.save("input.npy", np.array([[1, 2, 3, 4, 31, 31, 31, 31], [0, 0, 0, 1, 16, 0, 5, 0]], np.uint8))
subprocess.run([sys.executable, "-B", "driver.py", "--port", sys.argv[1], "--timeout", "60"], check=True)
print(np.load("output.npy").tolist())
`;
    expect(await drive(program)).toEqual(['[[5.0, 61.0], [0.5, 9.5]]']);
  }, 60_000);
});
