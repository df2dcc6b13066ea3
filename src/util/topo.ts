/** All nodes that `roots` reach, each after those it reads; or a cycle, its first node repeated at the end. */
export type Order<T> =
  | { readonly order: readonly T[]; readonly cycle?: undefined }
  | { readonly order?: undefined; readonly cycle: readonly T[] };

/**
 * Topological order by depth-first search with an explicit stack; deterministic: follows the order of `roots` and of
 * each node's `reads`.
 */
export function topologicalOrder<T>(roots: Iterable<T>, reads: (node: T) => Iterable<T>): Order<T> {
  const order: T[] = [];
  const done = new Set<T>();
  for (const root of roots) {
    const path: { readonly node: T; readonly rest: Iterator<T> }[] = [];
    const open = new Set<T>();
    const enter = (node: T): void => {
      open.add(node);
      path.push({ node, rest: reads(node)[Symbol.iterator]() });
    };
    if (!done.has(root)) enter(root);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.rest.next();
      if (next.done) {
        path.pop();
        open.delete(top.node);
        done.add(top.node);
        order.push(top.node);
      } else if (open.has(next.value)) {
        const nodes = path.map(({ node }) => node);
        return { cycle: [...nodes.slice(nodes.indexOf(next.value)), next.value] };
      } else if (!done.has(next.value)) {
        enter(next.value);
      }
    }
  }
  return { order };
}
