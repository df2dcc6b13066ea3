/** What emitters and estimates know of the device: what LUTs and memories it has. Never a board's name. */
export type Family = 'ice40' | 'ecp5' | 'xc7' | 'xcup';
export interface Device {
  readonly family: Family;
}
