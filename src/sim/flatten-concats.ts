/**
 * Chains of `.concat(…)` in the C++ of write_cxxrtl as one call each. cxxrtl makes a type of every step of a chain, each
 * nested in the next, on which clang spends minutes where vectors are gathered bit by bit; `finn_concat` (declared by
 * `cxxrtlSupport`) takes all parts at once. Chains that are assigned to stay as they are.
 */
export const flattenConcats = (code: string): string =>
  code
    .split('\n')
    .map((line) => (line.includes(CALL) ? rewrite(line) : line))
    .join('\n');

const CALL = '.concat(';

function rewrite(text: string): string {
  let out = '';
  let at = 0;
  for (;;) {
    const call = text.indexOf(CALL, at);
    if (call < 0) return out + text.slice(at);
    out += text.slice(at, call);
    // What the chain begins with lies behind us: chains inside it are calls by now.
    const start = receiverStart(out);
    const parts = [out.slice(start)];
    at = call;
    while (text.startsWith(CALL, at)) {
      const close = closing(text, at + CALL.length - 1);
      parts.push(rewrite(text.slice(at + CALL.length, close)));
      at = close + 1;
    }
    const isAssigned = text.startsWith(' = ', at);
    const chain = isAssigned
      ? parts.map((part, i) => (i === 0 ? part : `${CALL}${part})`)).join('')
      : `finn_concat(${parts.join(', ')})`;
    out = out.slice(0, start) + chain;
  }
}

const open: Readonly<Record<string, string>> = { ')': '(', '}': '{', '>': '<' };

/** Where the expression at the end of a text begins: names, members, template arguments, calls and braces. */
function receiverStart(text: string): number {
  let at = text.length;
  while (at > 0) {
    const char = text[at - 1]!;
    if (/[\w.]/.test(char)) at -= 1;
    else if (open[char]) at = opening(text, at - 1);
    else break;
  }
  return at;
}

function opening(text: string, at: number): number {
  const [close, begin] = [text[at]!, open[text[at]!]!];
  let depth = 0;
  for (let i = at; i >= 0; i -= 1) {
    if (text[i] === close) depth += 1;
    else if (text[i] === begin && --depth === 0) return i;
  }
  return 0;
}

function closing(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i += 1) {
    if (text[i] === '(') depth += 1;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  return text.length;
}

/**
 * C++ that stands between cxxrtl's header and the design: finn_concat, and slices of values that take the words they
 * need, where cxxrtl shifts the whole value.
 */
export const cxxrtlSupport = `namespace cxxrtl {
template <size_t Bits, size_t Start, size_t N> CXXRTL_ALWAYS_INLINE value<Bits> finn_slice(const value<N> &from) {
  value<Bits> part;
  constexpr size_t word = Start / 32, shift = Start % 32;
  if constexpr (Bits <= 32) {
    part.data[0] = from.data[word] >> shift;
    if constexpr (shift + Bits > 32) part.data[0] |= from.data[word + 1] << (32 - shift);
  } else {
    for (size_t i = 0; i < part.chunks; i++) {
      part.data[i] = from.data[word + i] >> shift;
      if (shift != 0 && word + i + 1 < from.chunks) part.data[i] |= from.data[word + i + 1] << (32 - shift);
    }
  }
  part.data[part.chunks - 1] &= part.msb_mask;
  return part;
}
template <size_t N, size_t Stop, size_t Start>
struct slice_expr<const value<N>, Stop, Start> : public expr_base<slice_expr<const value<N>, Stop, Start>> {
  static constexpr size_t bits = Stop - Start + 1;
  const value<N> &expr;
  slice_expr(const value<N> &expr) : expr(expr) {}
  slice_expr(const slice_expr &) = delete;
  CXXRTL_ALWAYS_INLINE operator value<bits>() const { return finn_slice<bits, Start>(expr); }
  CXXRTL_ALWAYS_INLINE value<bits> val() const { return finn_slice<bits, Start>(expr); }
};
template <size_t N, size_t Stop, size_t Start>
struct slice_expr<value<N>, Stop, Start> : public expr_base<slice_expr<value<N>, Stop, Start>> {
  static constexpr size_t bits = Stop - Start + 1;
  value<N> &expr;
  slice_expr(value<N> &expr) : expr(expr) {}
  slice_expr(const slice_expr &) = delete;
  CXXRTL_ALWAYS_INLINE operator value<bits>() const { return finn_slice<bits, Start>(expr); }
  CXXRTL_ALWAYS_INLINE value<bits> val() const { return finn_slice<bits, Start>(expr); }
  CXXRTL_ALWAYS_INLINE slice_expr &operator=(const value<bits> &rhs) {
    expr = expr.template blit<Stop, Start>(rhs);
    return *this;
  }
};
template <size_t N, size_t M> CXXRTL_ALWAYS_INLINE void finn_put(value<N> &to, size_t at, const value<M> &from) {
  for (size_t i = 0; i < from.chunks; i++) {
    const size_t bit = at + 32 * i, word = bit / 32, shift = bit % 32;
    to.data[word] |= from.data[i] << shift;
    if (shift != 0 && word + 1 < to.chunks) to.data[word + 1] |= from.data[i] >> (32 - shift);
  }
}
// Parts from the most significant to the least.
template <class... P> inline auto finn_concat(const P &...parts) {
  value<(0 + ... + P::bits)> whole;
  size_t at = whole.bits;
  ((at -= P::bits, finn_put(whole, at, parts.val())), ...);
  return whole;
}
}
`;
