/** What a stage did in each frame: equal courses mean equal cycles from the frame's start on. */
export class Course {
  readonly starts: number[] = [];
  readonly marks: number[] = [];
  private start = 0;
  private mark = 0;

  /** Something happened in `cycle`. */
  note(cycle: number): void {
    this.mark = (Math.imul(this.mark, 0x2c1b3c6d) + (cycle - this.start)) | 0;
  }

  /** The frame's first event is in `cycle`. */
  begin(cycle: number): void {
    this.start = cycle;
    this.mark = 0;
    this.starts.push(cycle);
  }

  end(): void {
    this.marks.push(this.mark);
  }
}
