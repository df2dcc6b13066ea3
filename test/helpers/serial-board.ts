import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hostBeats } from '../../src/shells/uart/frames.ts';
import { type Call, type CompiledSimulation, runSimulation } from '../../src/sim/simulation.ts';

/** A board at a pseudo-terminal, played by the compiled simulation of the UART top. */
export interface SerialBoard {
  /** /dev/pts/7 */
  readonly port: string;
  /** Requests served, by letter, in order. */
  readonly served: readonly string[];
  close(): Promise<void>;
}

export interface BoardSimulation {
  /** Of `uartTestbench`. */
  readonly compiled: CompiledSimulation;
  readonly dut?: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly call: Call;
  /** Changes what is on the wire towards the board: bytes of the n-th message. */
  readonly spoil?: (message: Uint8Array, n: number) => Uint8Array;
}

const relay = fileURLToPath(new URL('./pty-relay.py', import.meta.url));

/**
 * Serves until closed. Every message is one run of the simulation from its reset: the shell keeps nothing between
 * requests that a reply depends on. How long a message is follows from its first byte; where the board was sent
 * something else (`spoil`), its own time limit decides, in the simulation.
 */
export async function serveBoard(board: BoardSimulation): Promise<SerialBoard> {
  const child = spawn('python3', [relay], { stdio: ['pipe', 'pipe', 'inherit'] });
  const served: string[] = [];
  let name = '';
  let pending = Buffer.alloc(0);
  let work = Promise.resolve();
  const port = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the relay ended with ${code}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      if (name === '') {
        const end = pending.indexOf(10);
        if (end < 0) return;
        name = pending.subarray(0, end).toString();
        pending = pending.subarray(end + 1);
        resolve(name);
      }
      for (let length = due(board, pending); length > 0 && pending.length >= length; length = due(board, pending)) {
        const message = new Uint8Array(pending.subarray(0, length));
        pending = pending.subarray(length);
        served.push(String.fromCharCode(message[0]!));
        const sent = board.spoil?.(message, served.length - 1) ?? message;
        work = work.then(async () => void child.stdin.write(await answer(board, sent)));
      }
    });
  });
  return { port, served, close: () => work.then(() => end(child)) };
}

/** Bytes of the message that begins with the first byte; 0 where there is none. */
function due({ inputBytes }: BoardSimulation, pending: Buffer): number {
  if (pending.length === 0) return 0;
  const lengths: Readonly<Record<string, number>> = { I: 2, T: 3, X: inputBytes + 2 };
  return lengths[String.fromCharCode(pending[0]!)] ?? 1;
}

async function answer(
  { compiled, dut = 0, outputBytes, call }: BoardSimulation,
  sent: Uint8Array,
): Promise<Uint8Array> {
  // Whatever the board says: more than any reply is asked for, and the run ends when nothing has moved for long.
  const outputs = { m_axis_0: Math.max(outputBytes, 17) + 3 };
  const stimulus = { dut, inputs: { s_axis_0: hostBeats([sent], []) }, outputs, idle: 50_000 };
  const [result] = await runSimulation(compiled, [stimulus], call);
  return result!.streams['m_axis_0']!.beats;
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await gone;
}
