/** Answers that are remembered with an object that never changes, as long as that lives: the last few for each. */
export class Remembered<R> {
  readonly #answers = new WeakMap<object, { readonly of: readonly unknown[]; readonly answer: R }[]>();
  readonly #most: number;

  constructor(most = 8) {
    this.#most = most;
  }

  /** What `compute` gives, which must depend on nothing but `object` and the values (or objects that never change) in `of`. */
  get(object: object, of: readonly unknown[], compute: () => R): R {
    let list = this.#answers.get(object);
    if (!list) {
      list = [];
      this.#answers.set(object, list);
    }
    const found = list.find((one) => one.of.length === of.length && one.of.every((v, i) => Object.is(v, of[i])));
    if (found) return found.answer;
    const answer = compute();
    list.push({ of, answer });
    if (list.length > this.#most) list.shift();
    return answer;
  }
}
