/** One AXI-Stream of a module. Ports: <name>_tdata, <name>_tvalid, <name>_tready. */
export interface StreamPort {
  /** s_axis_0, m_axis_0, … */
  readonly name: string;
  readonly direction: 'in' | 'out';
  /** Elements in one beat; element 0 in the least significant bits. */
  readonly lanes: number;
  /** Bits of one element. */
  readonly bits: number;
  /** Width of tdata: lanes × bits, or that rounded up to whole bytes at the accelerator's edge. */
  readonly width: number;
  /** Beats of one frame (one inference). */
  readonly beats: number;
  /** Order of the tensor's last axis in the stream; as it lies in the tensor where it is left out. */
  readonly interleave?: Interleave;
}

/**
 * The last axis is `positions` × channels, channel innermost. It is streamed for a reader that takes `group` channels at a
 * time: of each group of channels, position after position.
 */
export interface Interleave {
  readonly positions: number;
  readonly group: number;
}

/**
 * A circuit as files: all that a tool or a simulator ever sees. Ports of the top: ap_clk, ap_rst_n (synchronous,
 * active low), and the streams.
 */
export interface Design {
  readonly top: string;
  /** Verilog by file name. */
  readonly sources: Readonly<Record<string, string>>;
  /** Memory images ($readmemh) by file name. */
  readonly memories: Readonly<Record<string, string>>;
  readonly streams: readonly StreamPort[];
}
